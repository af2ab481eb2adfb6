import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode } from '../../../api/schema/decode.ts';
import { asStored } from '../../../api/schema/empty-lists.ts';
import { parseJson } from '../../../api/schema/json.ts';
import { isBigNumber } from '../../../api/schema/json-value.ts';
import { decodeMessage, encodeMessage } from '../../../api/schema/protobuf.ts';
import {
  decodeObject,
  encodeList,
  encodeObject,
  readEnvelope,
  readWatchEvent,
  watchFrame,
} from '../../../api/schema/protobuf-envelope.ts';
import { ProtobufProblem } from '../../../api/schema/protobuf-wire.ts';
import { any, boolean, int64, map, type ObjectSchema, object, string } from '../../../api/schema/schema.ts';
import { JSONSchemaProps } from '../../../api/types/apiextensions/json-schema-props.ts';
import { Namespace } from '../../../api/types/core/namespace.ts';
import { Pod } from '../../../api/types/core/pod.ts';
import { ListMeta } from '../../../api/types/meta/list-meta.ts';
import { builtinResources } from '../../../api/types/resources.ts';
import { generate } from './generate.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const NAMESPACE = hex('6b387300 0a0f 0a027631 12094e616d657370616365 1209 0a03 0a0161 1200 1a00 1a00 2200');

test('a message that leaves zeros out reads as the object it is', () => {
  const { kind, apiVersion, value } = decodeObject(Namespace, NAMESPACE);
  assert.deepEqual({ kind, apiVersion }, { kind: 'Namespace', apiVersion: 'v1' });
  assert.deepEqual(value, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' }, spec: {}, status: {} });
});

test('what is written has every zero that is no pointer, as upstream writes it', () => {
  const { value } = decodeObject(Namespace, NAMESPACE);
  const metadata = '0a01 61 1200 1a00 2200 2a00 3200 3800 4200'.replaceAll(' ', '');
  const message = `0a${(metadata.length / 2).toString(16)}${metadata} 1200 1a02 0a00`.replaceAll(' ', '');
  const size = (message.length / 2).toString(16).padStart(2, '0');
  const wants = hex(`6b387300 0a0f 0a027631 12094e616d657370616365 12${size} ${message} 1a00 2200`);
  assert.equal(encodeObject(Namespace, value).toString('hex'), wants.toString('hex'));
});

for (const { group, kind, schema } of builtinResources) {
  test(`${group}/${kind} is the same after a journey as protobuf`, () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { value, unknown } = decode(schema, generate(schema, seed));
        assert.deepEqual(unknown, []);
        asStored(schema, value);
        const journey = decodeMessage(schema, encodeMessage(schema, value));
        assert.equal(sorted(journey), sorted(value));
      }),
      { numRuns: 15 },
    );
  });
}

/**
 * Text with sorted keys; __proto__ among them, which deepEqual would not see. A list without items is as good as null,
 * and so is a map without entries: the wire does not tell them apart.
 */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner !== 'object' || inner === null || isBigNumber(inner)) return inner;
    if (Array.isArray(inner)) return inner.length === 0 ? null : inner;
    const entries = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.length === 0 ? null : Object.fromEntries(entries);
  });
}

test('definitions that contain themselves and are half JSON survive the journey', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { value } = decode(JSONSchemaProps, generate(JSONSchemaProps, seed));
      asStored(JSONSchemaProps as ObjectSchema, value);
      assert.equal(sorted(decodeMessage(JSONSchemaProps, encodeMessage(JSONSchemaProps, value))), sorted(value));
    }),
    { numRuns: 200 },
  );
});

const Odd = object('x.v1.Odd', {
  big: int64(1, { ptr: true }),
  flags: map(2, { kind: 'boolean' as const }),
  raw: any(3, 'io.k8s.apimachinery.pkg.runtime.RawExtension', { ptr: true }),
  a: string(4, { via: [[5, 'inner']] }),
  b: boolean(1, {
    via: [
      [5, 'inner'],
      [2, 'deeper'],
    ],
  }),
});

test('big integers, maps of scalars and nested messages keep everything', () => {
  const text =
    '{"big":-9223372036854775808,"flags":{"x":true,"y":false},"raw":{"n":9007199254740993},"a":"1","b":true}';
  const { value } = decode(Odd, parseJson(text).value);
  assert.equal(JSON.stringify(value), text);
  assert.equal(sorted(decodeMessage(Odd, encodeMessage(Odd, value))), sorted(value));
  assert.equal(encodeMessage(Odd, { a: 'x' }).toString('hex'), '2a07' + '12020800' + '220178');
});

test('lists are made of messages that were encoded before', () => {
  const items = ['a', 'b'].map((name) => decode(Pod, { metadata: { name } }).value);
  const metadata = encodeMessage(ListMeta, { resourceVersion: '7', remainingItemCount: 0 });
  const chunks = encodeList(
    'v1',
    'PodList',
    metadata,
    items.map((item) => encodeMessage(Pod, item)),
  );
  const PodList = object('io.k8s.api.core.v1.PodList', {
    metadata: { proto: 1, schema: ListMeta, emitZero: {} },
    items: { proto: 2, schema: { kind: 'list' as const, items: Pod } },
  });
  const { kind, message } = readEnvelope(Buffer.concat(chunks));
  assert.equal(kind, 'PodList');
  assert.deepEqual(decodeMessage(PodList, message), {
    metadata: { resourceVersion: '7', remainingItemCount: 0 },
    items,
  });
});

test('a watch frame is a length and an event around a whole envelope', () => {
  const frame = watchFrame('ADDED', NAMESPACE);
  assert.equal(frame.readUInt32BE(0), frame.length - 4);
  const { type, object } = readWatchEvent(frame.subarray(4));
  assert.equal(type, 'ADDED');
  assert.deepEqual(object, NAMESPACE);
});

const wrong: { it: string; bytes: Buffer; says: RegExp }[] = [
  { it: 'nothing', bytes: Buffer.alloc(0), says: /empty data/ },
  { it: 'the magic alone', bytes: hex('6b387300'), says: /empty body/ },
  { it: 'other text', bytes: Buffer.from('k8s-not'), says: /expected prefix \[107 56 115 0\]/ },
  { it: 'a length beyond the end', bytes: hex('6b387300 12ff01'), says: /unexpected EOF/ },
  { it: 'a tag of field zero', bytes: hex('6b387300 00'), says: /illegal tag 0/ },
  { it: 'a group', bytes: hex('6b387300 0b'), says: /illegal wireType 3/ },
  { it: 'a number without end', bytes: hex('6b387300 12ffffffffffffffffffffff'), says: /integer overflow/ },
  { it: 'a text where a message belongs', bytes: hex('6b387300 1202 0801'), says: /wrong wireType = 0 for field 1/ },
];
for (const { it, bytes, says } of wrong) {
  test(`decodeObject refuses ${it}`, () => {
    assert.throws(
      () => decodeObject(Pod, bytes),
      (err) => err instanceof ProtobufProblem && says.test(err.message),
    );
  });
}

test('no bytes crash the reader: truncated, changed or made up', () => {
  const whole = encodeObject(Pod, { ...decode(Pod, generate(Pod, 42)).value, apiVersion: 'v1', kind: 'Pod' });
  const tolerant = (bytes: Buffer) => {
    try {
      decodeObject(Pod, bytes);
    } catch (err) {
      if (!(err instanceof Error) || !['ProtobufProblem', 'DecodeProblem'].includes(err.name)) throw err;
    }
  };
  for (let i = 0; i < whole.length; i += 7) tolerant(whole.subarray(0, i));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const changed = Buffer.from(whole);
      changed[at] = byte;
      tolerant(changed);
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
      tolerant(Buffer.concat([hex('6b387300'), Buffer.from([0x12, bytes.length]), bytes])),
    ),
    { numRuns: 200 },
  );
});

test('messages nested without end are refused', () => {
  let message = Buffer.alloc(0);
  for (let i = 0; i < 5000; i++) {
    const head = [0xe2, 0x01];
    for (let n = message.length; ; n = Math.floor(n / 128)) {
      head.push(n >= 128 ? (n % 128) | 128 : n);
      if (n < 128) break;
    }
    message = Buffer.concat([Buffer.from(head), message]);
  }
  assert.throws(() => decodeMessage(JSONSchemaProps, message), new ProtobufProblem('exceeded max depth'));
});

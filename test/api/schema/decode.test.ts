import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeProblem, decode } from '../../../api/schema/decode.ts';
import { applyDefaults } from '../../../api/schema/defaults.ts';
import { parseJson } from '../../../api/schema/json.ts';
import { kind } from '../../../api/schema/kind.ts';
import {
  any,
  aQuantity,
  aString,
  boolean,
  bytes,
  field,
  int32,
  int64,
  intOrString,
  list,
  map,
  microTime,
  type ObjectSchema,
  object,
  ptr,
  quantity,
  required,
  string,
  time,
} from '../../../api/schema/schema.ts';

const Port = object('io.k8s.api.core.v1.ContainerPort', {
  name: string(1),
  containerPort: int32(3, { required, emitZero: 0 }),
  protocol: string(4, { default: 'TCP' }),
  target: intOrString(5, { ptr }),
});
const Container = object(
  'io.k8s.api.core.v1.Container',
  {
    name: string(1, { required, emitZero: '' }),
    ports: list(6, Port),
    limits: map(7, aQuantity),
    tty: boolean(8),
    stdin: boolean(9, { ptr }),
    command: list(10, aString),
    policy: string(11),
  },
  {
    defaults(value) {
      value.policy ??= value.ports === undefined ? 'none' : 'some';
    },
  },
);
const Spec = object('io.k8s.api.core.v1.PodSpec', {
  containers: list(2, Container, { required, emitZero: null }),
  replicas: int32(3, { ptr, default: 1 }),
  big: int64(4),
  when: time(5, { ptr }),
  precise: microTime(6, { ptr }),
  selector: map(7, aString),
  divisor: quantity(8, { emitZero: '0' }),
});
const Pod = kind('io.k8s.api.core.v1.Pod', {
  spec: field(2, Spec, { emitZero: {} }),
  data: map(3, { kind: 'bytes' as const }),
  extra: any(4, 'io.k8s.apimachinery.pkg.runtime.RawExtension'),
  secret: bytes(5),
});

const cases: { it: string; json: unknown; wants: unknown }[] = [
  {
    it: 'fills in what is always written',
    json: {},
    wants: { metadata: {}, spec: { containers: null, divisor: '0' } },
  },
  {
    it: 'leaves out nulls and zeros that upstream would not write',
    json: {
      metadata: { name: '', labels: {}, annotations: null },
      spec: { containers: [{ name: '', tty: false, stdin: false, ports: [], limits: {} }], replicas: 0, when: null },
    },
    wants: { metadata: {}, spec: { containers: [{ name: '', stdin: false }], replicas: 0, divisor: '0' } },
  },
  {
    it: 'keeps an empty list that is always written, for whoever sent it owns it, and takes null items for zeros',
    json: { spec: { containers: [] }, data: { a: null } },
    wants: { metadata: {}, spec: { containers: [], divisor: '0' }, data: { a: '' } },
  },
  {
    it: 'writes quantities, times and bytes in one way',
    json: {
      metadata: { creationTimestamp: '2024-01-02T04:04:05.9+01:00' },
      spec: {
        containers: [{ limits: { cpu: '1000m', memory: '1024Mi', count: 3 } }],
        precise: '2024-01-02T03:04:05.123456Z',
        when: '0001-01-01T00:00:00Z',
      },
      data: { a: 'QR==' },
    },
    wants: {
      metadata: { creationTimestamp: '2024-01-02T03:04:05Z' },
      spec: {
        containers: [{ name: '', limits: { cpu: '1', memory: '1Gi', count: '3' } }],
        precise: '2024-01-02T03:04:05.123456Z',
        divisor: '0',
      },
      data: { a: 'QQ==' },
    },
  },
  {
    it: 'keeps raw values as they are',
    json: { extra: { a: null, b: 0, c: [] } },
    wants: { metadata: {}, spec: { containers: null, divisor: '0' }, extra: { a: null, b: 0, c: [] } },
  },
];
for (const { it, json, wants } of cases) {
  test(`decode ${it}`, () => assert.deepEqual(decode(Pod, json).value, wants));
}

test('decode tells unknown fields by their path, in the order of the text', () => {
  const json = {
    metadata: { nope: 1 },
    spec: { containers: [{ name: 'a', imagee: 1, ports: [{ prot: 1 }] }], node: 'x' },
    bogus: 1,
    __proto__x: 1,
  };
  const { unknown, value } = decode(Pod, json);
  assert.deepEqual(unknown, [
    'metadata.nope',
    'spec.containers[0].imagee',
    'spec.containers[0].ports[0].prot',
    'spec.node',
    'bogus',
    '__proto__x',
  ]);
  assert.equal(JSON.stringify(value).includes('nope'), false);
});

const wrong: { json: unknown; says: string }[] = [
  { json: 'x', says: 'json: cannot unmarshal string into Go value of type v1.Pod' },
  { json: { spec: 'x' }, says: 'json: cannot unmarshal string into Go struct field Pod.spec of type v1.PodSpec' },
  {
    json: { spec: { containers: [{ ports: [{ target: [1] }] }] } },
    says: 'json: cannot unmarshal array into Go struct field ContainerPort.spec.containers.ports.target of type int32',
  },
  {
    json: { spec: { replicas: 1.5 } },
    says: 'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.replicas of type int32',
  },
  {
    json: { metadata: { labels: true } },
    says: 'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type map[string]string',
  },
  {
    json: { metadata: { labels: { a: 1 } } },
    says: 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
  },
  { json: { data: { a: '***' } }, says: 'illegal base64 data at input byte 0' },
  {
    json: { spec: { precise: 'yesterday' } },
    says: 'parsing time "yesterday" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "yesterday" as "2006"',
  },
  {
    json: { spec: { containers: [{ limits: { cpu: 'much' } }] } },
    says: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  },
  {
    json: { spec: { containers: {} } },
    says: 'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
  },
];
for (const { json, says } of wrong) {
  test(`decode refuses ${JSON.stringify(json)}`, () => {
    assert.throws(() => decode(Pod, json), new DecodeProblem(says));
  });
}

test('decode takes __proto__ as the name of a field like any other', () => {
  const { value } = parseJson('{"metadata":{"labels":{"__proto__":"x"},"__proto__":{"polluted":true}},"__proto__":1}');
  const pod = decode(Pod, value);
  assert.equal(JSON.stringify(pod.value.metadata), '{"labels":{"__proto__":"x"}}');
  assert.deepEqual(pod.unknown, ['metadata.__proto__', '__proto__']);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

const Thing: ObjectSchema = {
  kind: 'object',
  custom: true,
  fields: {
    spec: {
      proto: 0,
      schema: {
        kind: 'object',
        fields: {
          a: { proto: 0, schema: { kind: 'int64' } },
          gone: { proto: 0, schema: { kind: 'string' } },
          kept: { proto: 0, schema: { kind: 'string', constraints: { nullable: true } } },
          part: {
            proto: 0,
            schema: {
              kind: 'object',
              preserveUnknown: true,
              fields: {
                p: { proto: 0, schema: { kind: 'object', fields: { q: { proto: 0, schema: { kind: 'int64' } } } } },
              },
            },
          },
          e: { proto: 0, schema: { kind: 'object', embedded: true, preserveUnknown: true, fields: {} } },
        },
      },
    },
  },
};

test('decode prunes custom resources and changes nothing else', () => {
  const { value, unknown } = decode(Thing, {
    apiVersion: 'x/v1',
    kind: 'Thing',
    metadata: { name: 'x', nope: 1 },
    spec: {
      a: 'not a number',
      b: 2,
      gone: null,
      kept: null,
      part: { p: { q: 0, z: 2 }, w: 3 },
      e: { kind: 'Pod', metadata: { name: 'p', odd: 1 }, spec: { x: [] } },
    },
    bogus: 1,
  });
  assert.deepEqual(value, {
    apiVersion: 'x/v1',
    kind: 'Thing',
    metadata: { name: 'x' },
    spec: {
      a: 'not a number',
      kept: null,
      part: { p: { q: 0 }, w: 3 },
      e: { kind: 'Pod', metadata: { name: 'p' }, spec: { x: [] } },
    },
  });
  assert.deepEqual(unknown, ['metadata.nope', 'spec.e.metadata.odd', 'bogus', 'spec.b', 'spec.part.p.z']);
});

test('decode reads the metadata of custom resources as that of every kind', () => {
  assert.throws(
    () => decode(Thing, { metadata: { labels: 5 } }),
    new DecodeProblem('json: cannot unmarshal number into Go struct field ObjectMeta.labels of type map[string]string'),
  );
});

test('applyDefaults fills literals, then what is computed, parents before children', () => {
  const { value } = decode(Pod, {
    spec: { containers: [{ name: 'a', ports: [{ containerPort: 1, protocol: '' }] }, {}] },
  });
  applyDefaults(Pod, value);
  assert.deepEqual(value.spec, {
    containers: [
      { name: 'a', ports: [{ containerPort: 1, protocol: 'TCP' }], policy: 'some' },
      { name: '', policy: 'none' },
    ],
    replicas: 1,
    divisor: '0',
  });
  assert.equal(applyDefaults(Pod, decode(Pod, { spec: { replicas: 0 } }).value).spec.replicas, 0);
});

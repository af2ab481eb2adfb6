import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../api/status.ts';
import { type Chosen, negotiate, type Offer, parseAccept } from '../../../apiserver/http/negotiate.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const cases: { accept: string | undefined; offer?: Offer; wants: Partial<Chosen> }[] = [
  { accept: undefined, wants: { encoding: 'json' } },
  { accept: '', wants: { encoding: 'json' } },
  { accept: '*/*', wants: { encoding: 'json' } },
  { accept: 'application/*', wants: { encoding: 'json' } },
  { accept: 'application/yaml', wants: { encoding: 'yaml' } },
  { accept: `${PROTOBUF}, */*`, wants: { encoding: 'protobuf' } },
  { accept: `${PROTOBUF},application/json`, offer: { protobuf: false }, wants: { encoding: 'json' } },
  { accept: `application/json;q=0.5, ${PROTOBUF};q=0.9`, wants: { encoding: 'protobuf' } },
  { accept: 'text/html, application/yaml;q=0', wants: {} },
  { accept: TABLE, wants: { encoding: 'json', as: 'Table' } },
  { accept: TABLE.replace('v=v1', 'v=v1beta1'), wants: { encoding: 'json', as: 'Table', version: 'v1beta1' } },
  { accept: `${TABLE.replace('v=v1', 'v=v9')}, application/json`, wants: { encoding: 'json' } },
  { accept: `${TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, wants: { as: 'Table' } },
  {
    accept: `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json`,
    offer: { protobuf: false },
    wants: { encoding: 'protobuf', as: 'PartialObjectMetadata' },
  },
  { accept: `${PROTOBUF};as=Table;g=meta.k8s.io;v=v1, ${TABLE}`, wants: { encoding: 'json', as: 'Table' } },
  { accept: 'application/json;stream=watch', offer: { watch: true }, wants: { encoding: 'json' } },
  { accept: `${PROTOBUF};stream=watch,application/json`, offer: { watch: true }, wants: { encoding: 'protobuf' } },
];
for (const { accept, offer, wants } of cases.filter((one) => Object.keys(one.wants).length > 0)) {
  test(`negotiate: ${accept} gets ${JSON.stringify(wants)}`, () => {
    const chosen = negotiate(accept, offer);
    assert.deepEqual(chosen, { version: 'v1', ...wants, encoding: chosen.encoding });
    if (wants.encoding !== undefined) assert.equal(chosen.encoding, wants.encoding);
  });
}

const ONLY = 'only the following media types are accepted: ';
const TYPES = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
const STREAMS = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch';
const ANY = `406: Not Acceptable\n\nAvailable representations: ${TYPES}, ${STREAMS}`;
const refusals: { accept: string; offer?: Offer; says: string; details?: object }[] = [
  { accept: 'application/xml', says: ANY, details: {} },
  { accept: 'text/html', says: ANY, details: {} },
  { accept: 'text/html, application/yaml;q=0', says: ANY, details: {} },
  { accept: 'application/json;as=Chart;v=v1;g=meta.k8s.io', says: ONLY + TYPES },
  { accept: TABLE.replace('v=v1', 'v=v9'), says: ONLY + TYPES },
  { accept: 'application/yaml', offer: { watch: true }, says: ONLY + STREAMS },
  { accept: PROTOBUF, offer: { protobuf: false }, says: `${ONLY}application/json, application/yaml` },
];
for (const { accept, offer, says, details } of refusals) {
  test(`negotiate refuses ${accept}${offer ? ` for ${JSON.stringify(offer)}` : ''}`, () => {
    assert.throws(() => negotiate(accept, offer), new ApiError(406, 'NotAcceptable', says, details));
  });
}

test('parseAccept survives what no client should send', () => {
  assert.deepEqual(parseAccept(',;;,/,a/,=;q,application/json;__proto__=1;q=x'), []);
  assert.equal(parseAccept('a/b,'.repeat(100_000)).length, 2048);
});

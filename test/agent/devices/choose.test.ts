import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseDevices, type DeviceRequest, type PluginDevice } from '../../../agent/devices/choose.ts';

const device = (id: string, node?: number, healthy = true): [string, PluginDevice] => [
  id,
  { id, healthy, nodes: node === undefined ? [] : [node] },
];
const request = (more: Partial<DeviceRequest>): DeviceRequest => ({
  resource: 'a.b/c',
  wanted: 1,
  devices: new Map([device('a', 0), device('b', 0), device('c', 1), device('d', 1)]),
  taken: new Set(),
  reusable: [],
  affinity: undefined,
  ...more,
});
const indifferent = async () => undefined;

const cases: {
  it: string;
  request: Partial<DeviceRequest>;
  likes?: readonly string[];
  wants: string[] | RegExp;
}[] = [
  { it: 'takes free ones in order', request: { wanted: 2, taken: new Set(['a']) }, wants: ['b', 'c'] },
  { it: 'takes what the plugin likes', request: { wanted: 2 }, likes: ['d', 'b'], wants: ['d', 'b'] },
  { it: 'fills up what the plugin left open', request: { wanted: 2 }, likes: ['d'], wants: ['d', 'a'] },
  { it: 'ignores a liking for what is not free', request: { taken: new Set(['d']) }, likes: ['d', 'x'], wants: ['a'] },
  { it: 'stays near', request: { wanted: 2, affinity: 0b10 }, likes: ['a', 'd'], wants: ['c', 'd'] },
  { it: 'takes all that is near before anything else', request: { wanted: 3, affinity: 0b10 }, wants: ['c', 'd', 'a'] },
  {
    it: 'uses again what init containers had',
    request: { wanted: 2, reusable: ['d'], taken: new Set(['d']) },
    wants: ['d', 'a'],
  },
  { it: 'uses no more again than it needs', request: { reusable: ['d', 'c'] }, wants: ['d'] },
  {
    it: 'prefers what lies anywhere to what lies elsewhere',
    request: { wanted: 2, affinity: 0b1, devices: new Map([device('a', 0), device('c', 1), device('z')]) },
    wants: ['a', 'z'],
  },
  {
    it: 'takes no broken ones',
    request: { wanted: 2, devices: new Map([device('a', 0), device('b', 0, false)]) },
    wants: /^requested number of devices unavailable for a\.b\/c\. Requested: 2, Available: 1$/,
  },
  {
    it: 'says when all are broken',
    request: { devices: new Map([device('a', 0, false)]) },
    wants: /^no healthy devices present; cannot allocate unhealthy devices a\.b\/c$/,
  },
];
for (const { it, request: more, likes, wants } of cases) {
  test(`chooseDevices ${it}`, async () => {
    const chosen = chooseDevices(request(more), likes === undefined ? indifferent : async () => likes);
    if (wants instanceof RegExp) await assert.rejects(chosen, { message: wants });
    else assert.deepEqual(await chosen, wants);
  });
}

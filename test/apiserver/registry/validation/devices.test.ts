import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceClaim } from '../../../../api/types/resource/resource-claim.ts';
import type { ResourceSlice } from '../../../../api/types/resource/resource-slice.ts';
import {
  claimStatusProblems,
  resourceClaimProblems,
  resourceClaimUpdateProblems,
} from '../../../../apiserver/registry/validation/devices.ts';
import { resourceSliceProblems } from '../../../../apiserver/registry/validation/resource-slices.ts';

const rows = (problems: readonly { path: string; message: string }[]) =>
  problems.map((row) => `${row.path}: ${row.message}`);
const exactly = (more: object = {}) => ({ deviceClassName: 'gpus', allocationMode: 'ExactCount', count: 1, ...more });
const aClaim = (devices: object, status: object = {}, metadata: object = {}) =>
  ({ metadata: { name: 'c', ...metadata }, spec: { devices }, status }) as unknown as ResourceClaim;
const one = (request: object) => aClaim({ requests: [{ name: 'r', ...request }] });
const ONE_OF = 'exactly one of `exactly` or `firstAvailable` is required';

const claims: [it: string, claim: ResourceClaim, wants: string[]][] = [
  ['is fine', one({ exactly: exactly() }), []],
  ['asks for nothing', one({}), [`spec.devices.requests[0]: Required value: ${ONE_OF}`]],
  [
    'has no class',
    one({ exactly: exactly({ deviceClassName: '' }) }),
    ['spec.devices.requests[0].exactly.deviceClassName: Required value'],
  ],
  [
    'counts in vain',
    one({ exactly: exactly({ count: -1 }) }),
    ['spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero'],
  ],
  [
    'counts all',
    one({ exactly: exactly({ allocationMode: 'All', count: 2 }) }),
    ["spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"],
  ],
  [
    'asks twice',
    aClaim({
      requests: [
        { name: 'r', exactly: exactly() },
        { name: 'r', exactly: exactly() },
      ],
    }),
    ['spec.devices.requests[1]: Duplicate value: "r"'],
  ],
  [
    'refers to nothing',
    aClaim({
      requests: [{ name: 'r', exactly: exactly() }],
      constraints: [{ requests: ['x'], matchAttribute: 'a.b/c' }],
    }),
    [
      'spec.devices.constraints[0].requests[0]: Invalid value: "x": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
    ],
  ],
  [
    'names half an attribute',
    aClaim({ requests: [{ name: 'r', exactly: exactly() }], constraints: [{ matchAttribute: 'c' }] }),
    [
      'spec.devices.constraints[0].matchAttribute: Invalid value: "c": a fully qualified name must be a domain and a name separated by a slash',
    ],
  ],
  [
    'selects by nothing',
    one({ exactly: exactly({ selectors: [{}] }) }),
    ['spec.devices.requests[0].exactly.selectors[0].cel: Required value'],
  ],
  [
    'asks for too much',
    aClaim({ requests: Array.from({ length: 33 }, (_each, at) => ({ name: `r${at}`, exactly: exactly() })) }),
    ['spec.devices.requests: Too many: 33: must have at most 32 items'],
  ],
  [
    'may choose',
    one({
      firstAvailable: [
        { name: 'a', ...exactly() },
        { name: 'b', ...exactly() },
      ],
    }),
    [],
  ],
];
for (const [it, claim, wants] of claims) {
  test(`a claim of devices ${it}`, () => assert.deepEqual(rows(resourceClaimProblems(claim)), wants));
}

test('a claim says the same for ever', () => {
  const [row] = resourceClaimUpdateProblems(one({ exactly: exactly({ count: 2 }) }), one({ exactly: exactly() }));
  assert.match(row!.message, /field is immutable$/);
});

const results = [{ request: 'r', driver: 'd.example.com', pool: 'p', device: 'one' }];
const user = { resource: 'pods', name: 'p', uid: 'u' };
const statuses: [it: string, status: object, before: object, wants: string[]][] = [
  ['is allocated', { allocation: { devices: { results } }, reservedFor: [user] }, {}, []],
  [
    'is used without being allocated',
    { reservedFor: [user] },
    {},
    ['status.reservedFor: Forbidden: may not be specified when `allocated` is not set'],
  ],
  [
    'is allocated for what nobody asked for',
    { allocation: { devices: { results: [{ ...results[0], request: 'x' }] } } },
    {},
    [
      'status.allocation.devices.results[0].request: Invalid value: "x": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
    ],
  ],
  [
    'tells of a device it has not',
    { allocation: { devices: { results } }, devices: [{ driver: 'd.example.com', pool: 'p', device: 'two' }] },
    {},
    ['status.devices[0]: Invalid value: "d.example.com/p/two": must be an allocated device in the claim'],
  ],
];
for (const [it, status, before, wants] of statuses) {
  test(`a claim that ${it}`, () => {
    const devices = { requests: [{ name: 'r', exactly: exactly() }] };
    assert.deepEqual(rows(claimStatusProblems(aClaim(devices, status), aClaim(devices, before))), wants);
  });
}

test('a claim that is going is used by nobody new', () => {
  const devices = { requests: [{ name: 'r', exactly: exactly() }] };
  const allocation = { devices: { results } };
  const going = aClaim(devices, { allocation, reservedFor: [user] }, { deletionTimestamp: '2026-01-01T00:00:00Z' });
  const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
  assert.deepEqual(rows(claimStatusProblems(going, aClaim(devices, { allocation }))), [
    `status.reservedFor: Forbidden: ${why}`,
  ]);
});

const pool = { name: 'p', generation: 1, resourceSliceCount: 1 };
const slices: [it: string, spec: object, wants: string[]][] = [
  [
    'is fine',
    {
      nodeName: 'n',
      devices: [{ name: 'one', attributes: { model: { string: 'x' }, 'a.b/v': { version: '1.2.3' } } }],
    },
    [],
  ],
  [
    'is nowhere',
    {},
    [
      'spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required',
    ],
  ],
  [
    'is in two places',
    { nodeName: 'n', allNodes: true },
    [
      'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
    ],
  ],
  [
    'has no pool',
    { allNodes: true, pool: { name: '', generation: 0, resourceSliceCount: 0 } },
    ['spec.pool.name: Required value', 'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero'],
  ],
  [
    'has a strange version',
    { allNodes: true, devices: [{ name: 'one', attributes: { v: { version: 'v1' } } }] },
    [
      'spec.devices[0].attributes[v].version: Invalid value: "v1": must be a string compatible with semver.org spec 2.0.0',
    ],
  ],
  [
    'has a device twice',
    { allNodes: true, devices: [{ name: 'one' }, { name: 'one' }] },
    ['spec.devices[1]: Duplicate value: "one"'],
  ],
];
for (const [it, spec, wants] of slices) {
  test(`a slice of devices ${it}`, () => {
    const slice = {
      metadata: { name: 's' },
      spec: { driver: 'd.example.com', pool, ...spec },
    } as unknown as ResourceSlice;
    assert.deepEqual(rows(resourceSliceProblems(slice)), wants);
  });
}

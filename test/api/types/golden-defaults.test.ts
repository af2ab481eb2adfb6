// Upstream's recorded answers, where the recordings are at hand: what was answered to a create, and what we make of the
// same body by decoding it and filling in defaults.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ResourceDefinition } from '../../../api/resource.ts';
import { decode } from '../../../api/schema/decode.ts';
import { applyDefaults } from '../../../api/schema/defaults.ts';
import { asStored } from '../../../api/schema/empty-lists.ts';
import { builtinResources } from '../../../api/types/resources.ts';

interface Scenario {
  name: string;
  steps: { request?: { method: string; path: string; body?: object }; response?: { status: number; body?: object } }[];
}

const file = new URL('../../../../shared/golden/create.json', import.meta.url);
const scenarios: Scenario[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];

/** What admission, allocation and strategies add; the start of a path. */
const ADDED_LATER: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.containers[].volumeMounts',
    'spec.preemptionPolicy',
    'spec.priority',
    'spec.serviceAccount',
    'spec.tolerations',
    'spec.volumes',
    'status.phase',
    'status.qosClass',
  ],
  // An empty list that is always written becomes null when it is stored.
  CSINode: ['spec.drivers'],
  Job: ['spec.selector', 'spec.template.metadata.labels'],
  Namespace: ['spec.finalizers'],
  Node: ['spec.taints'],
  Service: ['spec.clusterIP', 'spec.ipFamil', 'spec.ports[].nodePort', 'spec.healthCheckNodePort'],
};
const ALWAYS_LATER = ['metadata', 'apiVersion', 'kind'];

function resourceOf(path: string): ResourceDefinition | undefined {
  const match = /^\/(?:api|apis\/([^/]+))\/(v[^/]+)\/(?:namespaces\/[^/]+\/)?([a-z]+)(?:\?|$)/.exec(path);
  const [, group = '', version, plural] = match ?? [];
  return builtinResources.find((one) => one.group === group && one.version === version && one.plural === plural);
}

test('defaults are compared with recorded answers', { skip: scenarios.length === 0 && 'no recordings here' }, () => {});

for (const { name, steps } of scenarios) {
  steps.forEach(({ request, response }, i) => {
    if (request?.method !== 'POST' || response?.status !== 201 || !request.body || !response.body) return;
    const resource = resourceOf(request.path);
    if (!resource) return;
    const { body } = request;
    const wants = response.body;
    test(`${name}, step ${i}: decoding and defaults give what upstream answered`, () => {
      const { value } = decode(resource.schema, structuredClone(body));
      const defaulted = applyDefaults(resource.schema, value);
      asStored(resource.schema, defaulted);
      const got: unknown = JSON.parse(JSON.stringify(defaulted));
      const later = [...ALWAYS_LATER, ...(ADDED_LATER[resource.kind] ?? [])];
      const differ = differences(wants, got, '').filter(({ path }) => !later.some((start) => path.startsWith(start)));
      assert.deepEqual(differ, []);
    });
  });
}

/** Names of what differs from run to run, as something that can be decoded. */
const STAND_INS: Readonly<Record<string, string>> = {
  '<time>': '2024-01-01T00:00:00Z',
  '<microtime>': '2024-01-01T00:00:00.000001Z',
};

for (const { name, steps } of scenarios) {
  steps.forEach(({ request, response }, i) => {
    const resource = request && resourceOf(request.path);
    if (!resource || response?.status !== 201 || !('kind' in (response.body ?? {}))) return;
    const text = JSON.stringify(response.body)
      .replaceAll(/"(<(?:micro)?time>)"/g, (_, word: string) => JSON.stringify(STAND_INS[word]))
      .replaceAll(/"nodePort":"<[^"]*>"/g, '"nodePort":30000');
    test(`${name}, step ${i}: what upstream answered changes in nothing when we read it`, () => {
      const wants: unknown = JSON.parse(text);
      const { value, unknown } = decode(resource.schema, JSON.parse(text));
      assert.deepEqual(unknown, []);
      const got: unknown = JSON.parse(JSON.stringify(applyDefaults(resource.schema, value)));
      assert.deepEqual(differences(wants, got, ''), []);
    });
  });
}

interface Difference {
  path: string;
  wants: unknown;
  got: unknown;
}

function differences(wants: unknown, got: unknown, path: string): Difference[] {
  // What differs from run to run is recorded as <name1>.
  if (typeof wants === 'string' && wants.includes('<')) return [];
  if (Array.isArray(wants) && Array.isArray(got)) {
    const longer = wants.length > got.length ? wants : got;
    return longer.flatMap((_, i) => differences(wants[i], got[i], `${path}[]`));
  }
  if (isObject(wants) && isObject(got)) {
    const keys = [...new Set([...Object.keys(wants), ...Object.keys(got)])];
    return keys.flatMap((key) => differences(wants[key], got[key], path === '' ? key : `${path}.${key}`));
  }
  return JSON.stringify(wants) === JSON.stringify(got) ? [] : [{ path, wants, got }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

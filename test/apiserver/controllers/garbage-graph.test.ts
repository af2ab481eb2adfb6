// Kinds come and go while the graph is kept: what only changed its version is still there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { silent } from '../../../api/log.ts';
import type { ResourceDefinition } from '../../../api/resource.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import { systemClock } from '../../../api/system.ts';
import { kindVersions } from '../../../apiserver/controllers/custom-kinds.ts';
import { GarbageGraph } from '../../../apiserver/controllers/garbage-graph.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { aDefinition, anything, aVersion, established } from '../extensions/example.ts';

function anObject(name: string, owners: string[] = []): KubeObject {
  const ownerReferences = owners.map((owner) => ({
    apiVersion: 'test.example.com/v2',
    kind: 'Thing',
    name: owner,
    uid: `uid-${owner}`,
  }));
  const metadata = { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '' };
  return { apiVersion: '', kind: '', metadata: { ...metadata, ...(owners.length > 0 && { ownerReferences }) } };
}

/** Lists what is there at the time, and tells nothing more. */
function clientOver(objects: () => KubeObject[]): Client {
  return {
    list: async () => ({ items: objects(), metadata: { resourceVersion: '1' } }),
    async *watch(_of: unknown, _options: unknown, signal: AbortSignal) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      yield* [];
    },
  } as unknown as Client;
}

function versions(...names: string[]): readonly ResourceDefinition[] {
  const all = names.map((name, i) => aVersion(name, anything, { storage: i === 0 }));
  return kindVersions(established(aDefinition('things', all)));
}

async function following(objects: () => KubeObject[], run: (graph: GarbageGraph, told: string[]) => Promise<void>) {
  const stop = new AbortController();
  const graph = new GarbageGraph(clientOver(objects), [], { clock: systemClock, log: silent });
  const told: string[] = [];
  graph.onChange(({ metadata }, gone) => void told.push(`${gone ? '-' : '+'}${metadata.name}`));
  const running = graph.run(stop.signal);
  try {
    await run(graph, told);
  } finally {
    stop.abort();
    await running;
  }
}

test('an object that is there in the next version was never gone, one that is not is', async () => {
  let there = [anObject('stays'), anObject('goes')];
  await following(
    () => there,
    async (graph, told) => {
      const [before, now] = [versions('v1'), versions('v2')];
      graph.follow(before, []);
      await waitFor('both', () => told.length === 2);
      there = [anObject('stays')];
      graph.follow(now, before);
      await waitFor('the end of one', () => told.includes('-goes'));
      assert.ok(!told.includes('-stays'));
      assert.equal(graph.get('uid-stays')?.of, now[0]);
      assert.equal(graph.kindOf('test.example.com/v1', 'Thing'), undefined);
      assert.equal(graph.kindOf('test.example.com/v2', 'Thing'), now[0]);
    },
  );
});

test('with a kind that is no more goes all that was of it', async () => {
  await following(
    () => [anObject('a')],
    async (graph, told) => {
      const kinds = versions('v1');
      graph.follow(kinds, []);
      await waitFor('it', () => told.length === 1);
      graph.follow([], kinds);
      assert.deepEqual(told, ['+a', '-a']);
    },
  );
});

test('who has an owner of a kind that becomes known is looked at again', async () => {
  await following(
    () => [anObject('owned', ['nobody'])],
    async (graph, told) => {
      graph.follow(versions('v1'), []);
      await waitFor('it', () => told.length === 1);
      const other = kindVersions(established(aDefinition('others', [aVersion('v1', anything)])));
      const kinds = [{ ...other[0]!, kind: 'Thing', version: 'v2' }];
      graph.follow(kinds, []);
      await waitFor('the second look', () => told.filter((each) => each === '+owned').length >= 2);
    },
  );
});

test('every version that is served is known, the stored one first, and none before the definition is established', () => {
  const crd = established(
    aDefinition('things', [aVersion('v1', anything, { storage: false }), aVersion('v2', anything)]),
  );
  assert.deepEqual(
    kindVersions(crd).map(({ version }) => version),
    ['v2', 'v1'],
  );
  assert.deepEqual(kindVersions({ ...crd, status: { ...crd.status, conditions: [] } }), []);
});

// What volumes hold while pods run: contents that follow their objects, and parts that nobody can lead astray.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { FOREVER, Pods, shell } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const NAMESPACE = '/api/v1/namespaces/default';
/** What a refresh by the clock would need at least. */
const WATCHED_MS = 5_000;

test('changed objects are in running pods within seconds, and one that comes late is there when it comes', async () => {
  await pods.call('POST', `${NAMESPACE}/configmaps`, { metadata: { name: 'settings' }, data: { color: 'blue' } });
  await pods.call('POST', `${NAMESPACE}/secrets`, { metadata: { name: 'login' }, stringData: { word: 'one' } });
  const projected = { sources: [{ secret: { name: 'login' } }, { configMap: { name: 'late', optional: true } }] };
  await pods.create('reads', {
    volumes: [
      { name: 'settings', configMap: { name: 'settings' } },
      { name: 'all', projected },
    ],
    containers: [
      shell('main', FOREVER, {
        volumeMounts: [
          { name: 'settings', mountPath: '/settings' },
          { name: 'all', mountPath: '/all' },
        ],
      }),
    ],
  });
  await pods.ready('reads');
  const says = (file: string, text: string) =>
    waitFor(
      `${file} to say ${text}`,
      async () => {
        const { stdout } = await cluster().kubectl(['exec', 'reads', '--', 'cat', file], { mayFail: true });
        if (stdout !== text) throw new Error(stdout);
        return true;
      },
      { timeoutMs: WATCHED_MS },
    );
  await says('/settings/color', 'blue');
  const { data: _old, ...settings } = await cluster().api.get<{ data: object }>(`${NAMESPACE}/configmaps/settings`);
  await pods.call('PUT', `${NAMESPACE}/configmaps/settings`, { ...settings, data: { color: 'red' } });
  const { data: _word, ...login } = await cluster().api.get<{ data: object }>(`${NAMESPACE}/secrets/login`);
  await pods.call('PUT', `${NAMESPACE}/secrets/login`, { ...login, stringData: { word: 'two' }, immutable: true });
  await pods.call('POST', `${NAMESPACE}/configmaps`, { metadata: { name: 'late' }, data: { hour: 'nine' } });
  await says('/settings/color', 'red');
  await says('/all/word', 'two');
  await says('/all/hour', 'nine');
  await pods.remove('reads');
});

test('a part of a volume never leads out of it, however fast somebody swaps folders for links', async () => {
  const { node } = cluster().node;
  const dir = '/var/lib/skiff/attack';
  await node.exec('mkdir', ['-p', dir]);
  const script = join(import.meta.dirname, '../harness/sub-path-attack-main.ts');
  const { stdout } = await node.exec('node', [script, dir, '150'], { timeoutMs: 60_000 });
  const { mounted, refused, escaped, made } = JSON.parse(stdout);
  assert.deepEqual({ escaped, made }, { escaped: 0, made: 0 });
  assert.ok(mounted > 0 && refused > 0, `the attack was one: ${stdout}`);
});

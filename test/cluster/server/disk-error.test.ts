// A disk that fails, not one that is full: what the server holds is then no longer known to be what the disk holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { exec } from '../harness/process.ts';
import { waitFor } from '../harness/wait.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const FILE_MAX = 4 << 20;

const cluster = useCluster();

test('an error of the disk ends the server, which says so; started again it has all that it acknowledged', async () => {
  const acknowledged = new Set<string>();
  // Files that may not grow are a disk that fails with an error that is not "full". The log has its own way out.
  const pid = await cluster().node.pid('server');
  await exec('prlimit', ['--pid', String(pid), `--fsize=${FILE_MAX}`]);
  await waitFor('the server to end', async () => {
    const name = `m${acknowledged.size}`;
    const body = { metadata: { name }, data: { big: 'x'.repeat(500_000) } };
    const answer = await cluster()
      .api.call('POST', MAPS, body)
      .catch(() => undefined);
    if (answer?.status === 201) acknowledged.add(name);
    return !cluster().node.runs('server');
  });
  assert.match(cluster().node.log('server'), /the store failed and must not go on: disk I\/O error/);
  await cluster().restart('server');
  const { items } = await cluster().api.get<{ items: { metadata: { name: string } }[] }>(MAPS);
  const served = new Set(items.map(({ metadata }) => metadata.name));
  for (const name of acknowledged) assert.ok(served.has(name), `${name} was acknowledged`);
});

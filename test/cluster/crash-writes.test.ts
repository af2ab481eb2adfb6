// kill -9 of a cluster's server in a burst of writes (server/kill-rounds.ts); server/kill-writes.test.ts does the same
// to a bare server, for many more rounds.
import { test } from 'node:test';
import { readAdmin } from '../../cli/pki.ts';
import { useCluster } from './harness/cluster.ts';
import { killRounds } from './server/kill-rounds.ts';

const ROUNDS = process.env['SKIFF_LONG'] === '1' ? 50 : 5;

const cluster = useCluster();

test(`kill -9 in a burst of writes, ${ROUNDS} times: nothing acknowledged is lost, no watch has a gap`, async (t) => {
  const { node } = cluster().node;
  const victim = {
    dataFile: node.path('/var/lib/skiff/server/store.db'),
    access: async () => ({
      server: `https://${node.address}:6443`,
      ...(await readAdmin(node.path('/var/lib/skiff/pki'))),
    }),
    kill: () => cluster().kill('server', 'SIGKILL'),
    restart: () => cluster().restart('server'),
  };
  t.diagnostic(`${await killRounds(victim, ROUNDS)} acknowledged writes in ${ROUNDS} rounds`);
});

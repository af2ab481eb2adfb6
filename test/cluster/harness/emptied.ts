// The end of every cluster: all pods go, and then the nodes must hold nothing of them. `skiff check node` is the leak
// check, so what it cannot see operators cannot see either.
import { resolve } from 'node:path';
import type { ApiAccess } from './api-access.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterNode } from './cluster-node.ts';
import { waitFor } from './wait.ts';

const MAIN = resolve(import.meta.dirname, '../../../cli/main.ts');
const MANIFESTS = '/etc/skiff/manifests';
/** Whoever makes pods goes before them. */
const MAKERS = [
  '/apis/batch/v1/cronjobs',
  '/apis/apps/v1/deployments',
  '/apis/apps/v1/statefulsets',
  '/apis/apps/v1/daemonsets',
  '/apis/batch/v1/jobs',
  '/apis/apps/v1/replicasets',
  '/api/v1/replicationcontrollers',
];
const GONE_MS = 60_000;
const CLEAN_MS = 30_000;

type Item = { metadata: { namespace: string; name: string; deletionTimestamp?: string } };

export async function verifyNothingLeft(cluster: Cluster): Promise<void> {
  await untilAllRuns(cluster);
  for (const { node } of cluster.nodes) await node.exec('sh', ['-c', `rm -rf ${MANIFESTS}/* ${MANIFESTS}/.[!.]*`]);
  await waitFor(
    'all pods to be gone',
    async () => {
      for (const path of MAKERS) await remove(cluster.api, path, 0);
      const left = await remove(cluster.api, '/api/v1/pods', 1);
      if (left.length > 0)
        throw new Error(
          left
            .map((item) => JSON.stringify(item))
            .join('\n')
            .slice(0, 8_192),
        );
      return true;
    },
    { timeoutMs: GONE_MS, intervalMs: 100 },
  );
  for (const node of cluster.nodes) {
    await waitFor(
      `nothing of pods to be left on ${node.node.name}`,
      async () => {
        const differences = await differencesOf(node);
        if (differences !== '') throw new Error(`\n${differences}`);
        return true;
      },
      { timeoutMs: CLEAN_MS },
    );
  }
}

/** What a runtime that was killed left behind is beyond the runtime itself: operators have this for it. */
export async function mend({ node, agentArgs }: ClusterNode): Promise<void> {
  await node.exec('node', [MAIN, 'check', 'node', '--fix', ...agentArgs]);
}

/** What `skiff check node` lists; nothing when nothing differs. */
export async function differencesOf({ node, agentArgs }: ClusterNode): Promise<string> {
  const command = [MAIN, 'check', 'node', ...agentArgs];
  const { code, stdout, stderr } = await node.exec('node', command, { mayFail: true });
  return code === 0 ? '' : `${stdout}${stderr}`;
}

/** A test may end with something killed. */
async function untilAllRuns(cluster: Cluster): Promise<void> {
  for (const [at, node] of cluster.nodes.entries()) {
    for (const part of ['containerd', ...(at === 0 ? (['server'] as const) : []), 'agent'] as const) {
      if (!node.runs(part)) await node.start(part);
    }
  }
  await cluster.untilServing();
}

/** Answers with what is there still. */
async function remove(api: ApiAccess, path: string, gracePeriodSeconds: number): Promise<Item[]> {
  const { items } = await api.get<{ items: Item[] }>(path);
  const [prefix, plural] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)];
  const body = { propagationPolicy: 'Background', gracePeriodSeconds };
  for (const { metadata } of items) {
    if (metadata.deletionTimestamp !== undefined) continue;
    await api.call('DELETE', `${prefix}/namespaces/${metadata.namespace}/${plural}/${metadata.name}`, body);
  }
  return items;
}

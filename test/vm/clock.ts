// What must go on however the clock is set: the node's sign of life, probes, back-offs, new pods, and tokens.
import assert from 'node:assert/strict';
import type { Node } from '../../api/types/core/node.ts';
import { waitFor } from '../cluster/harness/wait.ts';
import type { Machine } from './harness/machine.ts';
import { aPod, isReady, mainOf, type Skiff, WEB } from './harness/skiff.ts';

const probe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 2 };

/** One that is probed, and one that crashes for ever. */
export const WATCHED = [
  aPod('probed', { image: WEB, readinessProbe: probe, livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 2 } }),
  aPod('crashing', { command: ['sh', '-c', 'exit 3'] }),
];

export async function setClock(machine: Machine, bySeconds: number): Promise<void> {
  await machine.sh(`date -s "@$(($(date +%s) + ${bySeconds}))"`);
}

/** Called right after the clock was set. `newcomer` is the name of a pod that nobody has used. */
export async function livesOn(skiff: Skiff, machine: Machine, newcomer: string): Promise<void> {
  const before = await skiff.pods();
  const crashes = mainOf(await skiff.pod('crashing')).restartCount;
  await leaseIsOfNow(skiff, machine);
  await skiff.kubectl('exec probed -- mv /www/healthz /www/hidden');
  await skiff.until('probed', 'found not ready', (pod) => !isReady(pod));
  await skiff.kubectl('exec probed -- mv /www/hidden /www/healthz');
  await skiff.until('probed', 'found ready', isReady);
  await skiff.apply(aPod(newcomer));
  await skiff.untilReady(`pod/${newcomer}`);
  await skiff.kubectl(`delete pod ${newcomer}`);
  await skiff.until('crashing', 'started again', (pod) => mainOf(pod).restartCount > crashes);
  await tokenIsGood(skiff, machine);
  const after = new Map((await skiff.pods()).map((pod) => [pod.metadata.name, mainOf(pod)]));
  for (const pod of before.filter(({ metadata }) => metadata.name !== 'crashing')) {
    const { containerID, restartCount } = mainOf(pod);
    const now = after.get(pod.metadata.name!);
    assert.deepEqual([now?.containerID, now?.restartCount], [containerID, restartCount], pod.metadata.name);
  }
}

async function leaseIsOfNow(skiff: Skiff, machine: Machine): Promise<void> {
  const look = async () => {
    const renewed = await skiff.kubectl('get lease -n kube-node-lease bare -o jsonpath={.spec.renewTime}');
    const { stdout } = await machine.sh('date +%s');
    const ageSeconds = Number(stdout) - Date.parse(renewed) / 1_000;
    return Math.abs(ageSeconds) < 60 || `renewed ${ageSeconds} s ago`;
  };
  const isOfNow = async () => (await look()) === true;
  await waitFor('the lease to be renewed', isOfNow, { timeoutMs: machine.ms(6_000), intervalMs: 1_000 });
}

/** The one in the pod's volume, shown to the API. */
async function tokenIsGood(skiff: Skiff, machine: Machine): Promise<void> {
  const path = '/var/run/secrets/kubernetes.io/serviceaccount/token';
  const url = 'https://127.0.0.1:6443/api';
  const ask = async () => {
    const token = await skiff.kubectl(`exec probed -- cat ${path}`);
    const script = `fetch('${url}', { headers: { authorization: 'Bearer ${token}' } }).then((r) => console.log(r.status))`;
    const { stdout } = await machine.sh(`NODE_TLS_REJECT_UNAUTHORIZED=0 node -e "${script}"`);
    return stdout.trim() === '200';
  };
  await waitFor('the token of a pod to be accepted', ask, { timeoutMs: machine.ms(18_000), intervalMs: 2_000 });
}

/** Not for a moment was the node thought to be lost. */
export async function nodeNeverLost(skiff: Skiff, since: Node): Promise<void> {
  const node = await skiff.json<Node>('get node bare');
  const ready = ({ status }: Node) => status!.conditions!.find(({ type }) => type === 'Ready');
  assert.equal(ready(node)?.status, 'True');
  assert.equal(ready(node)?.lastTransitionTime, ready(since)?.lastTransitionTime);
  assert.deepEqual(node.spec?.taints ?? [], []);
}

// What the acceptance tests of a whole cluster ask again and again.
import assert from 'node:assert/strict';
import type { Cluster } from './harness/cluster.ts';
import { waitFor } from './harness/wait.ts';

export const BUSYBOX = 'skiff.local/test/busybox:1';
export const WEB = 'skiff.local/test/web:1';

export interface PodView {
  metadata: { name: string; uid: string; deletionTimestamp?: string; labels?: Record<string, string> };
  spec: { nodeName?: string };
  status: {
    phase?: string;
    podIP?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: {
      containerID?: string;
      restartCount: number;
      ready?: boolean;
      state?: { waiting?: { reason?: string; message?: string }; terminated?: { reason?: string; exitCode: number } };
      lastState?: { terminated?: { reason?: string; exitCode: number } };
    }[];
  };
}

export async function podsOf(cluster: Cluster, selector: string, namespace = 'default'): Promise<PodView[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
  return (await cluster.api.get<{ items: PodView[] }>(path)).items;
}

export function podNamed(cluster: Cluster, name: string, namespace = 'default'): Promise<PodView> {
  return cluster.api.get<PodView>(`/api/v1/namespaces/${namespace}/pods/${name}`);
}

export function isReady({ status, metadata }: PodView): boolean {
  const ready = status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return (ready ?? false) && metadata.deletionTimestamp === undefined;
}

export function untilPodReady(cluster: Cluster, name: string): Promise<PodView> {
  return waitFor(`pod ${name} to be Ready`, async () => {
    const pod = await podNamed(cluster, name);
    return isReady(pod) ? pod : undefined;
  });
}

/** Exactly so many pods, all of them Ready. */
export function untilReady(cluster: Cluster, selector: string, count: number): Promise<PodView[]> {
  return waitFor(`${count} Ready pods of ${selector}`, async () => {
    const pods = await podsOf(cluster, selector);
    return pods.length === count && pods.every(isReady) ? pods : undefined;
  });
}

export async function untilGone(cluster: Cluster, path: string): Promise<void> {
  await waitFor(`${path} to be gone`, async () => (await cluster.api.call('GET', path)).status === 404);
}

export async function output(cluster: Cluster, ...args: string[]): Promise<string> {
  return (await cluster.kubectl(args)).stdout;
}

/** The text of what kubectl refuses to do. */
export async function refusal(cluster: Cluster, args: readonly string[], input?: string): Promise<string> {
  const { code, stderr, stdout } = await cluster.kubectl(args, {
    mayFail: true,
    ...(input !== undefined && { input }),
  });
  assert.notEqual(code, 0, `kubectl ${args.join(' ')} should have failed: ${stdout}`);
  return stderr;
}

/** A manifest of a pod that runs a shell command. */
export function shellPod(name: string, script: string, more: Record<string, unknown> = {}): string {
  const { spec = {}, ...container } = more as { spec?: object };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { containers: [{ name: 'app', image: BUSYBOX, command: ['sh', '-c', script], ...container }], ...spec },
  });
}

export async function apply(cluster: Cluster, manifest: string, ...args: string[]): Promise<string> {
  return (await cluster.kubectl(['apply', ...args, '-f', '-'], { input: manifest })).stdout;
}

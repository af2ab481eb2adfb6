// Pods put straight onto a node, and what the API says of them: the scheduler has its own tests.
import type { Container } from '../../../api/types/core/container.ts';
import type { ContainerStatus } from '../../../api/types/core/container-status.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { Cluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';

export const BUSYBOX = 'skiff.local/test/busybox:1';
/** Ends when asked to. */
export const FOREVER = 'trap "exit 0" TERM; while :; do sleep 3600 & wait $!; done';

type Spec = Partial<Pod['spec']> & { containers: Container[] };

export function shell(name: string, script: string, more: Partial<Container> = {}): Container {
  return { name, image: BUSYBOX, command: ['sh', '-c', script], ...more };
}

/** The pods of one cluster, by name in one namespace. */
export class Pods {
  readonly #cluster: () => Cluster;

  constructor(cluster: () => Cluster) {
    this.#cluster = cluster;
  }

  async create(name: string, spec: Spec): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { nodeName: 'node-1', automountServiceAccountToken: false, terminationGracePeriodSeconds: 3, ...spec },
    };
    await this.call('POST', '/api/v1/namespaces/default/pods', body);
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.#cluster().api.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  get(name: string): Promise<Pod> {
    return this.#cluster().api.get<Pod>(`/api/v1/namespaces/default/pods/${name}`);
  }

  /** Waits for the pod to be as `look` wants it. */
  async until(name: string, what: string, look: (pod: Pod) => boolean, timeoutMs = 30_000): Promise<Pod> {
    return waitFor(
      `${name} to be ${what}`,
      async () => {
        const pod = await this.get(name);
        if (!look(pod)) throw new Error(JSON.stringify(pod.status));
        return pod;
      },
      { timeoutMs },
    );
  }

  ready(name: string): Promise<Pod> {
    return this.until(name, 'ready', ({ status }) => conditionOf(status, 'Ready') === 'True');
  }

  async remove(name: string): Promise<void> {
    await this.call('DELETE', `/api/v1/namespaces/default/pods/${name}`);
    await this.gone(name);
  }

  async gone(name: string): Promise<void> {
    const path = `/api/v1/namespaces/default/pods/${name}`;
    await waitFor(`${name} to be gone`, async () => (await this.#cluster().api.call('GET', path)).status === 404);
  }

  /** What a container wrote, read from the node's disk. */
  async log(name: string, container: string, attempt = 0): Promise<string> {
    const { uid } = (await this.get(name)).metadata;
    const file = `/var/log/pods/default_${name}_${uid}/${container}/${attempt}.log`;
    const { stdout } = await this.#cluster().node.node.exec('cat', [file]);
    return stdout
      .split('\n')
      .map((line) => line.split(' ').slice(3).join(' '))
      .join('\n');
  }

  async untilLogged(name: string, container: string, text: string): Promise<string> {
    return waitFor(`${name} to say ${text}`, async () => {
      const log = await this.log(name, container);
      if (!log.includes(text)) throw new Error(log);
      return log;
    });
  }
}

export function conditionOf(status: Pod['status'], type: string): string | undefined {
  return status.conditions?.find((condition) => condition.type === type)?.status;
}

export function statusOf(pod: Pod, container: string): ContainerStatus {
  const all = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const found = all.find(({ name }) => name === container);
  if (found === undefined) throw new Error(`no status of ${container}: ${JSON.stringify(pod.status)}`);
  return found;
}

export function waitsFor(pod: Pod, container: string): string | undefined {
  return statusOf(pod, container).state?.waiting?.reason;
}

// Pods and worlds for tables: what a case does not mention is at rest.

import type { NodeAbilities } from '../../../agent/pods/unsupported.ts';
import {
  type ImageState,
  type Memory,
  NO_MEMORY,
  type ObservedContainer,
  type ObservedSandbox,
  type World,
} from '../../../agent/pods/world.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';

/** What containerd 1.6 can, on a kernel without AppArmor. */
export const ABLE: NodeAbilities = {
  recursiveReadOnly: false,
  supplementalGroupsPolicy: false,
  runtimeHandlers: [],
  ownTasks: true,
  appArmor: false,
  cdi: false,
  unsafeSysctls: [],
};

type Spec = Partial<Omit<Pod['spec'], 'containers' | 'initContainers'>>;
interface PodParts {
  containers?: (string | Container)[];
  inits?: (string | Container)[];
  spec?: Spec;
  metadata?: Partial<Pod['metadata']>;
  status?: Pod['status'];
}

export function aContainer(name: string, more: Partial<Container> = {}): Container {
  return { name, image: 'busybox', ...more };
}

export function aSidecar(name: string): Container {
  return aContainer(name, { restartPolicy: 'Always' });
}

export function aPod({ containers = ['web'], inits = [], spec = {}, metadata = {}, status = {} }: PodParts = {}): Pod {
  const made = (list: (string | Container)[]) =>
    list.map((each) => (typeof each === 'string' ? aContainer(each) : each));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      uid: 'uid-1',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: {
      restartPolicy: 'Always',
      ...spec,
      containers: made(containers),
      ...(inits.length > 0 && { initContainers: made(inits) }),
    },
    status,
  };
}

export function aSandbox(more: Partial<ObservedSandbox> = {}): ObservedSandbox {
  return {
    id: 'box-0',
    podName: 'web-1',
    podNamespace: 'shop',
    attempt: 0,
    ready: true,
    createdAtMs: 0,
    ips: ['10.42.0.5'],
    ...more,
  };
}

export function running(name: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: `${name}-${more.attempt ?? 0}`,
    name,
    sandboxId: 'box-0',
    attempt: 0,
    state: 'running',
    createdAtMs: 0,
    startedAtMs: 1_000,
    finishedAtMs: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: 'busybox',
    imageId: 'sha256:1',
    hash: '',
    backOffMs: 0,
    graceSeconds: 30,
    ...more,
  };
}

export function exited(name: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  return running(name, { state: 'exited', finishedAtMs: 2_000, ...more });
}

/** A world where the volumes are there, the network is open and every image named is on the node. */
export function aWorld(
  sandboxes: readonly ObservedSandbox[],
  containers: readonly ObservedContainer[] = [],
  memory: Partial<Memory> & { present?: readonly string[] } = {},
): World {
  const { present = [], ...more } = memory;
  const images = new Map(
    present.map((name): [string, ImageState] => [name, { state: 'present', imageRef: 'sha256:1' }]),
  );
  const networked = new Set(sandboxes.map(({ id }) => id));
  return { ...NO_MEMORY, volumesReady: true, networked, images, sandboxes, containers, ...more };
}

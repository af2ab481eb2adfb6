// A container in the runtime's words: what it runs, sees and may use. Pure; what it refers to was read before.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { ContainerConfig, Device, LinuxContainerResources, Mount } from '../cri/types.ts';
import type { Grant } from '../devices/grant.ts';
import { buildEnv, type EnvSources } from './env.ts';
import { expand } from './expand.ts';
import type { PodFacts } from './field-ref.ts';
import { containerHash } from './hash.ts';
import { ANNOTATION, containerLogPath, LABEL } from './names.ts';
import { podLabels } from './sandbox-config.ts';
import { containerSecurity, type ImageUser } from './security.ts';

export interface ContainerOptions {
  readonly grant: Grant;
  readonly attempt: number;
  readonly backOffMs: number;
  /** As the runtime knows it. */
  readonly imageRef: string;
  readonly imageUser: ImageUser;
  readonly sources: EnvSources;
  readonly facts: PodFacts;
  readonly mounts: readonly Mount[];
  /** Block devices among its volumes. */
  readonly devices: readonly Device[];
  readonly resources: LinuxContainerResources;
  readonly seccompDir: string;
  readonly targetId?: string;
}

export function containerConfig(pod: Pod, container: Container, options: ContainerOptions): ContainerConfig {
  const { attempt, backOffMs, imageRef, sources, facts, mounts, grant } = options;
  const env = buildEnv(pod, container, sources, facts);
  const lookUp = (name: string) => env.get(name);
  const { name, image = '', command = [], args = [], workingDir, stdin, stdinOnce, tty } = container;
  const security = containerSecurity(pod, container, options);
  const groups = [...(security.supplementalGroups ?? []), ...grant.groups];
  const resources = { ...options.resources, ...(grant.cpus !== undefined && { cpusetCpus: grant.cpus }) };
  return {
    metadata: { name, attempt },
    image: { image: imageRef, userSpecifiedImage: image },
    command: command.map((word) => expand(word, lookUp)),
    args: args.map((word) => expand(word, lookUp)),
    ...(workingDir !== undefined && { workingDir }),
    // Of two with one name the last holds: the container's own.
    envs: [...Object.entries(grant.envs), ...env].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts: [...mounts, ...grant.mounts],
    devices: [...options.devices, ...grant.devices],
    ...(grant.cdiDevices.length > 0 && { CDIDevices: grant.cdiDevices.map((device) => ({ name: device })) }),
    labels: { ...podLabels(pod), [LABEL.container]: name },
    annotations: {
      ...grant.annotations,
      [ANNOTATION.hash]: containerHash(container),
      [ANNOTATION.restartCount]: String(attempt),
      [ANNOTATION.backOffMs]: String(backOffMs),
      [ANNOTATION.terminationGracePeriod]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
      [ANNOTATION.terminationMessagePath]: container.terminationMessagePath ?? '',
      [ANNOTATION.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
    },
    logPath: containerLogPath(name, attempt),
    stdin: stdin ?? false,
    stdinOnce: stdinOnce ?? false,
    tty: tty ?? false,
    linux: { resources, securityContext: { ...security, supplementalGroups: groups } },
  };
}

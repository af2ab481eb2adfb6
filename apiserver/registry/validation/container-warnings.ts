// What is allowed in containers and yet not wise: values that hide others, ports that are told twice, parts of bytes.
import type { Container } from '../../../api/types/core/container.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { isWhole } from './resources.ts';

const LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

export function eachContainer(spec: PodSpec, path: string, look: (container: Container, at: string) => void): void {
  for (const list of LISTS) {
    const containers = spec[list];
    for (let i = 0; containers !== undefined && i < containers.length; i++) {
      look(containers[i] as Container, `${path}.${list}[${i}]`);
    }
  }
}

export function containerWarnings({ env, resources }: Container, path: string, warnings: string[]): void {
  if (resources?.limits) warnings.push(...byteWarnings(resources.limits, `${path}.resources.limits`));
  if (resources?.requests) warnings.push(...byteWarnings(resources.requests, `${path}.resources.requests`));
  if (env === undefined || env.length < 2) return;
  const names = new Set<string>();
  for (const [i, { name, value = '', valueFrom }] of env.entries()) {
    const before = `$(${name})`;
    // A later value that is made from the earlier one needs it.
    if (names.has(name) && (valueFrom !== undefined || value === before || !value.includes(before))) {
      const why = `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`;
      warnings.push(`${path}.env[${i}]: ${why}`);
    }
    names.add(name);
  }
}

const BYTES = ['memory', 'ephemeral-storage'];

export function byteWarnings(
  amounts: Readonly<Record<string, string>> | undefined,
  path: string,
  names: readonly string[] = BYTES,
): string[] {
  const warnings: string[] = [];
  for (const name of names) {
    const amount = amounts?.[name];
    if (amount === undefined || isWhole(amount)) continue;
    warnings.push(`${path}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`);
  }
  return warnings;
}

interface Port {
  readonly at: string;
  readonly hostPort: number;
  readonly hostIP: string;
}

/** All containers of a pod share its address. */
export function portWarnings(spec: PodSpec, path: string, warnings: string[]): void {
  const known = new Map<string, Port[]>();
  eachContainer(spec, path, ({ ports }, container) => {
    for (const [i, { name = '', containerPort, protocol = '', hostPort = 0, hostIP = '' }] of (ports ?? []).entries()) {
      const port: Port = { at: `${container}.ports[${i}]`, hostPort, hostIP };
      const id = `${containerPort}/${protocol}`;
      if (hostIP !== '' && hostPort === 0) {
        const text = `{Name:${name} HostPort:0 ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
        warnings.push(`${port.at}: hostIP set without hostPort: ${text}`);
      }
      const others = known.get(id) ?? [];
      for (const other of others) {
        const how = clash(port, other);
        if (how !== undefined) warnings.push(`${port.at}: ${how} port definition with ${other.at}`);
      }
      known.set(id, [...others, port]);
    }
  });
}

function clash(one: Port, other: Port): string | undefined {
  if (one.hostIP === other.hostIP && one.hostPort === other.hostPort) return 'duplicate';
  if (one.hostPort === 0 || other.hostPort === 0) return 'overlapping';
  const isOneAnywhere = (one.hostIP === '') !== (other.hostIP === '');
  return one.hostPort === other.hostPort && isOneAnywhere ? 'dangerously ambiguous' : undefined;
}

// Probes and lifecycle handlers of containers.
import { httpHeaderName, portName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Container } from '../../../api/types/core/container.ts';
import { forbidden, invalidValue, required } from './problems.ts';
import { named, notNegative, oneOf, portProblems } from './values.ts';

type Probe = NonNullable<Container['livenessProbe']>;
type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & { sleep?: { seconds?: number } };

export function handlerProblems(handler: Handler, path: string, graceSeconds?: number): FieldProblem[] {
  const problems: FieldProblem[] = [];
  let handlers = 0;
  const one = (name: string, check: () => FieldProblem[]) => {
    if (handlers++ > 0) problems.push(forbidden(`${path}.${name}`, 'may not specify more than 1 handler type'));
    else problems.push(...check());
  };
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec) one('exec', () => (exec.command?.length ? [] : [required(`${path}.exec.command`)]));
  if (httpGet) {
    one('httpGet', () => {
      const at = `${path}.httpGet`;
      const headers = (httpGet.httpHeaders ?? []).flatMap(({ name }) =>
        named(`${at}.httpHeaders`, name, httpHeaderName),
      );
      return [
        ...(httpGet.path ? [] : [required(`${at}.path`)]),
        ...portOrNameProblems(`${at}.port`, httpGet.port),
        ...oneOf(`${at}.scheme`, httpGet.scheme, ['HTTP', 'HTTPS']),
        ...headers,
      ];
    });
  }
  if (tcpSocket) one('tcpSocket', () => portOrNameProblems(`${path}.tcpSocket.port`, tcpSocket.port));
  if (grpc) one('grpc', () => portProblems(`${path}.grpc.port`, grpc.port));
  if (sleep) {
    one('sleep', () => {
      const { seconds = 0 } = sleep;
      if (seconds >= 0 && (graceSeconds === undefined || seconds <= graceSeconds)) return [];
      const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds ?? 30})`;
      return [invalidValue(`${path}.sleep`, seconds, why)];
    });
  }
  if (handlers === 0) problems.push(required(path, 'must specify a handler type'));
  return problems;
}

export function portOrNameProblems(path: string, port: number | string): FieldProblem[] {
  return typeof port === 'number' ? portProblems(path, port) : named(path, port, portName);
}

const NUMBERS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function probeProblems(probe: Probe | undefined, path: string): FieldProblem[] {
  if (probe === undefined) return [];
  const grace = probe.terminationGracePeriodSeconds;
  return [
    ...handlerProblems(probe, path),
    ...NUMBERS.flatMap((name) => notNegative(`${path}.${name}`, probe[name])),
    ...(grace !== undefined && grace <= 0
      ? [invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0')]
      : []),
  ];
}

export function allProbeProblems(container: Container, path: string): FieldProblem[] {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  const once = (probe: Probe | undefined, at: string) =>
    probe?.successThreshold !== undefined && probe.successThreshold !== 1
      ? [invalidValue(`${at}.successThreshold`, probe.successThreshold, 'must be 1')]
      : [];
  const readiness = `${path}.readinessProbe`;
  const grace = readinessProbe?.terminationGracePeriodSeconds;
  return [
    ...probeProblems(livenessProbe, `${path}.livenessProbe`),
    ...once(livenessProbe, `${path}.livenessProbe`),
    ...probeProblems(readinessProbe, readiness),
    ...(grace === undefined
      ? []
      : [invalidValue(`${readiness}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes')]),
    ...probeProblems(startupProbe, `${path}.startupProbe`),
    ...once(startupProbe, `${path}.startupProbe`),
  ];
}

export function lifecycleProblems({ lifecycle }: Container, path: string, graceSeconds?: number): FieldProblem[] {
  const { postStart, preStop } = lifecycle ?? {};
  return [
    ...(postStart ? handlerProblems(postStart, `${path}.lifecycle.postStart`, graceSeconds) : []),
    ...(preStop ? handlerProblems(preStop, `${path}.lifecycle.preStop`, graceSeconds) : []),
  ];
}

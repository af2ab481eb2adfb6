// Probes and lifecycle hooks of containers.
import { httpHeaderName, portName, portNumber } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { HTTPGetAction, LifecycleHandler, Probe } from '../../../api/types/core/probe.ts';
import { forbidden, invalidValue, required } from './problems.ts';
import { type IntOrString, named, notNegative, oneOf } from './values.ts';

export function portOrNameProblems(path: string, port: IntOrString | undefined): FieldProblem[] {
  if (typeof port === 'string') return named(path, port, portName);
  return portNumber(port ?? 0).map((why) => invalidValue(path, port ?? 0, why));
}

export function probeProblems(
  probe: Probe | undefined,
  path: string,
  use: 'liveness' | 'readiness' | 'startup',
): FieldProblem[] {
  if (probe === undefined) return [];
  const { terminationGracePeriodSeconds: grace } = probe;
  const problems = [
    ...handlerProblems(probe, path),
    ...notNegative(`${path}.initialDelaySeconds`, probe.initialDelaySeconds),
    ...notNegative(`${path}.timeoutSeconds`, probe.timeoutSeconds),
    ...notNegative(`${path}.periodSeconds`, probe.periodSeconds),
    ...notNegative(`${path}.successThreshold`, probe.successThreshold),
    ...notNegative(`${path}.failureThreshold`, probe.failureThreshold),
  ];
  if (grace !== undefined && grace <= 0) {
    problems.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  if (use === 'readiness') {
    if (grace !== undefined) {
      const why = 'must not be set for readinessProbes';
      problems.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, why));
    }
  } else if (probe.successThreshold !== 1) {
    problems.push(invalidValue(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'));
  }
  return problems;
}

/** Exactly one way to ask. */
export function handlerProblems(
  handler: Partial<Probe> & LifecycleHandler,
  path: string,
  graceSeconds?: number,
): FieldProblem[] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const problems: FieldProblem[] = [];
  let count = 0;
  const another = (name: string, check: () => FieldProblem[]) => {
    count++;
    if (count > 1) problems.push(forbidden(`${path}.${name}`, 'may not specify more than 1 handler type'));
    else problems.push(...check());
  };
  if (exec) another('exec', () => (exec.command?.length ? [] : [required(`${path}.exec.command`)]));
  if (httpGet) another('httpGet', () => httpGetProblems(httpGet, `${path}.httpGet`));
  if (tcpSocket) another('tcpSocket', () => portOrNameProblems(`${path}.tcpSocket.port`, tcpSocket.port));
  if (grpc) another('grpc', () => portOrNameProblems(`${path}.grpc.port`, grpc.port));
  if (sleep) {
    another('sleep', () => {
      const { seconds = 0 } = sleep;
      if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return [];
      const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
      return [invalidValue(`${path}.sleep`, seconds, why)];
    });
  }
  if (count === 0) problems.push(required(path, 'must specify a handler type'));
  return problems;
}

function httpGetProblems({ path: url, port, scheme, httpHeaders }: HTTPGetAction, path: string): FieldProblem[] {
  return [
    ...(url ? [] : [required(`${path}.path`)]),
    ...portOrNameProblems(`${path}.port`, port),
    ...oneOf(`${path}.scheme`, scheme ?? '', ['HTTP', 'HTTPS']),
    ...(httpHeaders ?? []).flatMap(({ name }) => named(`${path}.httpHeaders`, name, httpHeaderName)),
  ];
}

// Probes and lifecycle hooks of containers.
import { httpHeaderName, portName, portNumber } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { HTTPGetAction, LifecycleHandler, Probe } from '../../../api/types/core/probe.ts';
import { forbidden, invalidValue, required } from './problems.ts';
import { type IntOrString, NON_NEGATIVE, named, oneOf } from './values.ts';

export function portOrNameProblems(path: string, port: IntOrString | undefined): FieldProblem[] {
  if (typeof port === 'string') return named(path, port, portName);
  const wrong = portNumber(port ?? 0);
  return wrong.length === 0 ? [] : wrong.map((why) => invalidValue(path, port ?? 0, why));
}

const COUNTS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

export function probeProblems(
  probe: Probe | undefined,
  path: string,
  use: 'liveness' | 'readiness' | 'startup',
): FieldProblem[] {
  if (probe === undefined) return [];
  const { terminationGracePeriodSeconds: grace } = probe;
  const problems = handlerProblems(probe, path);
  for (const field of COUNTS) {
    const count = probe[field];
    if (count !== undefined && count < 0) problems.push(invalidValue(`${path}.${field}`, count, NON_NEGATIVE));
  }
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
  const problems: FieldProblem[] = [];
  let count = 0;
  for (const name of HANDLERS) {
    if (!handler[name]) continue;
    count++;
    if (count > 1) problems.push(forbidden(`${path}.${name}`, 'may not specify more than 1 handler type'));
    else problems.push(...ownProblems(handler, name, `${path}.${name}`, graceSeconds));
  }
  if (count === 0) problems.push(required(path, 'must specify a handler type'));
  return problems;
}

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function ownProblems(
  { exec, httpGet, tcpSocket, grpc, sleep }: Partial<Probe> & LifecycleHandler,
  name: (typeof HANDLERS)[number],
  path: string,
  graceSeconds: number | undefined,
): FieldProblem[] {
  switch (name) {
    case 'exec':
      return exec!.command?.length ? [] : [required(`${path}.command`)];
    case 'httpGet':
      return httpGetProblems(httpGet!, path);
    case 'tcpSocket':
      return portOrNameProblems(`${path}.port`, tcpSocket!.port);
    case 'grpc':
      return portOrNameProblems(`${path}.port`, grpc!.port);
    case 'sleep': {
      const { seconds = 0 } = sleep!;
      if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return [];
      const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
      return [invalidValue(path, seconds, why)];
    }
  }
}

const SCHEMES = ['HTTP', 'HTTPS'];

function httpGetProblems({ path: url, port, scheme, httpHeaders }: HTTPGetAction, path: string): FieldProblem[] {
  return [
    ...(url ? [] : [required(`${path}.path`)]),
    ...portOrNameProblems(`${path}.port`, port),
    ...oneOf(`${path}.scheme`, scheme ?? '', SCHEMES),
    ...(httpHeaders ? httpHeaders.flatMap(({ name }) => named(`${path}.httpHeaders`, name, httpHeaderName)) : []),
  ];
}

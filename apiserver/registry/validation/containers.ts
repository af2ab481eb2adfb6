// Containers of a pod, of all three sorts.
import { dns1123Label, inRange, portName, portNumber } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Container, EphemeralContainer } from '../../../api/types/core/container.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { envFromProblems, envProblems } from './env.ts';
import { devicesProblems, mountsProblems } from './mounts.ts';
import { handlerProblems, probeProblems } from './probes.ts';
import { duplicate, forbidden, invalidValue, notFoundValue, notSupported, required } from './problems.ts';
import { requirementsProblems } from './resources.ts';
import { containerSecurityProblems } from './security-context.ts';
import { named, oneOf, requiredOneOf } from './values.ts';

/** What the containers of one pod share. */
export interface Around {
  readonly spec: PodSpec;
  /** Names of volumes that are well made, and which of them are claims: those may be raw devices. */
  readonly volumes: ReadonlyMap<string, { readonly isClaim: boolean }>;
  readonly claims: ReadonlySet<string>;
}

type AnyContainer = Container | EphemeralContainer;
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

export function containersProblems(around: Around, path: string): FieldProblem[] {
  const { initContainers = [], ephemeralContainers = [] } = around.spec;
  const containers = around.spec.containers ?? [];
  if (containers.length === 0) return [required(`${path}.containers`)];
  const names = new Set<string>();
  const problems: FieldProblem[] = [];
  for (const [i, container] of containers.entries()) {
    const at = `${path}.containers[${i}]`;
    problems.push(...commonProblems(container, around, at), ...nameTaken(names, container.name, at));
    problems.push(...lifecycleProblems(container, around.spec, at), ...probesProblems(container, at));
    problems.push(...containerRestart(container, at));
  }
  problems.push(...hostPortProblems(containers, `${path}.containers`));
  for (const [i, container] of initContainers.entries()) {
    const at = `${path}.initContainers[${i}]`;
    problems.push(...commonProblems(container, around, at), ...nameTaken(names, container.name, at));
    problems.push(...initProblems(container, around.spec, at));
    problems.push(...hostPortProblems([container], `${path}.initContainers`, i));
  }
  for (const [i, container] of ephemeralContainers.entries()) {
    const at = `${path}.ephemeralContainers[${i}]`;
    const others = new Set([...containers, ...initContainers].map(({ name }) => name));
    problems.push(...commonProblems(container, around, at), ...nameTaken(names, container.name, at));
    problems.push(...ephemeralProblems(container, others, at));
  }
  return problems;
}

function nameTaken(names: Set<string>, name: string, path: string): FieldProblem[] {
  if (names.has(name)) return [duplicate(`${path}.name`, name)];
  names.add(name);
  return [];
}

function commonProblems(container: AnyContainer, { spec, volumes, claims }: Around, path: string): FieldProblem[] {
  const { name, image, terminationMessagePolicy, env, envFrom, resources = {}, imagePullPolicy } = container;
  return [
    ...(name ? named(`${path}.name`, name, dns1123Label) : [required(`${path}.name`)]),
    ...(image ? [] : [required(`${path}.image`)]),
    ...requiredOneOf(`${path}.terminationMessagePolicy`, terminationMessagePolicy, ['File', 'FallbackToLogsOnError']),
    ...portsProblems(container, spec, `${path}.ports`),
    ...envProblems(env, `${path}.env`, new Set(volumes.keys())),
    ...envFromProblems(envFrom, `${path}.envFrom`),
    ...mountsProblems(container, volumes, `${path}.volumeMounts`),
    ...devicesProblems(container, volumes, `${path}.volumeDevices`),
    ...requiredOneOf(`${path}.imagePullPolicy`, imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...requirementsProblems(resources, `${path}.resources`, claims),
    ...resizeProblems(container, spec, `${path}.resizePolicy`),
    ...containerSecurityProblems(container.securityContext, `${path}.securityContext`, spec.hostUsers !== false),
  ];
}

function portsProblems({ ports }: AnyContainer, { hostNetwork }: PodSpec, path: string): FieldProblem[] {
  const names = new Set<string>();
  return (ports ?? []).flatMap(({ name, containerPort, hostPort, protocol }, i) => {
    const at = `${path}[${i}]`;
    const problems: FieldProblem[] = [];
    if (name) {
      const wrong = named(`${at}.name`, name, portName);
      problems.push(...wrong);
      if (wrong.length === 0) problems.push(...(names.has(name) ? [duplicate(`${at}.name`, name)] : []));
      names.add(name);
    }
    if (!containerPort) problems.push(required(`${at}.containerPort`));
    else
      problems.push(...portNumber(containerPort).map((why) => invalidValue(`${at}.containerPort`, containerPort, why)));
    if (hostPort) {
      problems.push(...portNumber(hostPort).map((why) => invalidValue(`${at}.hostPort`, hostPort, why)));
      if (hostNetwork && hostPort !== containerPort) {
        const why = 'must match `containerPort` when `hostNetwork` is true';
        problems.push(invalidValue(`${at}.hostPort`, hostPort, why));
      }
    }
    return [...problems, ...requiredOneOf(`${at}.protocol`, protocol, PROTOCOLS)];
  });
}

function hostPortProblems(containers: readonly Container[], path: string, from = 0): FieldProblem[] {
  const taken = new Set<string>();
  const problems: FieldProblem[] = [];
  for (const [i, { ports }] of containers.entries()) {
    for (const [n, { hostPort, hostIP = '', protocol }] of (ports ?? []).entries()) {
      if (!hostPort) continue;
      const id = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(id)) problems.push(duplicate(`${path}[${from + i}].ports[${n}].hostPort`, id));
      taken.add(id);
    }
  }
  return problems;
}

function resizeProblems({ resizePolicy }: AnyContainer, { restartPolicy }: PodSpec, path: string): FieldProblem[] {
  const seen = new Set<string>();
  return (resizePolicy ?? []).flatMap(({ resourceName, restartPolicy: policy }, i) => {
    const problems: FieldProblem[] = [];
    if (seen.has(resourceName)) problems.push(duplicate(`${path}[${i}]`, resourceName));
    seen.add(resourceName);
    if (!resourceName) problems.push(required(path));
    else if (resourceName !== 'cpu' && resourceName !== 'memory') {
      problems.push(notSupported(path, resourceName, ['cpu', 'memory']));
    }
    if (!policy) problems.push(required(path));
    else if (policy !== 'NotRequired' && policy !== 'RestartContainer') {
      problems.push(notSupported(path, policy, ['NotRequired', 'RestartContainer']));
    }
    if (restartPolicy === 'Never' && policy !== 'NotRequired') {
      problems.push(invalidValue(path, policy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
    return problems;
  });
}

function lifecycleProblems({ lifecycle }: Container, { os }: PodSpec, path: string): FieldProblem[] {
  if (lifecycle === undefined) return [];
  const { postStart, preStop, stopSignal } = lifecycle;
  const at = `${path}.lifecycle`;
  const problems: FieldProblem[] = [];
  if (postStart) problems.push(...handlerProblems(postStart, `${at}.postStart`));
  if (preStop) problems.push(...handlerProblems(preStop, `${at}.preStop`));
  if (stopSignal !== undefined && os === undefined) {
    problems.push(forbidden(`${at}.stopSignal`, 'may not be set for containers with empty `spec.os.name`'));
  }
  return problems;
}

function probesProblems({ livenessProbe, readinessProbe, startupProbe }: Container, path: string): FieldProblem[] {
  return [
    ...probeProblems(livenessProbe, `${path}.livenessProbe`, 'liveness'),
    ...probeProblems(readinessProbe, `${path}.readinessProbe`, 'readiness'),
    ...probeProblems(startupProbe, `${path}.startupProbe`, 'startup'),
  ];
}

const RULES_MAX = 20;
const CODES_MAX = 255;

function containerRestart({ restartPolicy, restartPolicyRules }: Container, path: string): FieldProblem[] {
  const problems = oneOf(`${path}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']);
  const at = `${path}.restartPolicyRules`;
  const rules = restartPolicyRules ?? [];
  if (rules.length === 0) return problems;
  if (!restartPolicy)
    problems.push(required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used'));
  if (rules.length > RULES_MAX) {
    problems.push({
      path: at,
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${RULES_MAX} bytes`,
    });
  }
  for (const [i, { action, exitCodes }] of rules.entries()) {
    problems.push(...requiredOneOf(`${at}[${i}].action`, action, ['Restart', 'RestartAllContainers']));
    if (exitCodes === undefined) {
      problems.push(required(`${at}[${i}].exitCodes`, 'must be specified'));
      continue;
    }
    problems.push(...requiredOneOf(`${at}[${i}].exitCodes.operator`, exitCodes.operator, ['In', 'NotIn']));
    if (!exitCodes.values?.length) problems.push(required(`${at}[${i}].exitCodes.values`));
    for (const [n, code] of (exitCodes.values ?? []).entries()) {
      const wrong = inRange(code, 0, CODES_MAX);
      problems.push(...wrong.map((why) => invalidValue(`${at}[${i}].exitCodes.values[${n}]`, code, why)));
    }
  }
  return problems;
}

/** Init containers come and go before the others; only those that stay, sidecars, have probes and hooks. */
function initProblems(container: Container, spec: PodSpec, path: string): FieldProblem[] {
  const { restartPolicy } = container;
  if (restartPolicy === 'Always') {
    return [
      ...lifecycleProblems(container, spec, path),
      ...probesProblems(container, path),
      ...containerRestart({ ...container, restartPolicyRules: undefined }, path),
    ];
  }
  const problems: FieldProblem[] = [];
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[field] === undefined) continue;
    problems.push(forbidden(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
  }
  return [...problems, ...containerRestart(container, path)];
}

const NOT_EPHEMERAL = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resizePolicy',
] as const;

function ephemeralProblems(container: EphemeralContainer, others: ReadonlySet<string>, path: string): FieldProblem[] {
  const { targetContainerName, volumeMounts, restartPolicy, resources } = container;
  const problems: FieldProblem[] = [];
  if (targetContainerName && !others.has(targetContainerName)) {
    problems.push(notFoundValue(`${path}.targetContainerName`, targetContainerName));
  }
  const no = 'cannot be set for an Ephemeral Container';
  for (const field of NOT_EPHEMERAL) {
    const value = container[field];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    problems.push(forbidden(`${path}.${field}`, no));
  }
  if (Object.keys(resources ?? {}).length > 0) problems.push(forbidden(`${path}.resources`, no));
  if (restartPolicy !== undefined) problems.push(forbidden(`${path}.restartPolicy`, no));
  for (const [i, { subPath, subPathExpr }] of (volumeMounts ?? []).entries()) {
    if (subPath) problems.push(forbidden(`${path}.volumeMounts[${i}].subPath`, no));
    if (subPathExpr) problems.push(forbidden(`${path}.volumeMounts[${i}].subPathExpr`, no));
  }
  return problems;
}

// Containers of a pod, of all three sorts.
import { dns1123Label, portName, portNumber } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Container, EphemeralContainer } from '../../../api/types/core/container.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { envFromProblems, envProblems } from './env.ts';
import { devicesProblems, mountsProblems } from './mounts.ts';
import { handlerProblems, probeProblems } from './probes.ts';
import { add, duplicate, forbidden, invalidValue, notFoundValue, notSupported, required, tooMany } from './problems.ts';
import { requirementsProblems } from './resources.ts';
import { containerSecurityProblems } from './security-context.ts';
import { each, named, oneOf, requiredName, requiredOneOf } from './values.ts';

/** What the containers of one pod share. */
export interface Around {
  readonly spec: PodSpec;
  /** Names of volumes that are well made, and which of them are claims: those may be raw devices. */
  readonly volumes: ReadonlyMap<string, { readonly isClaim: boolean }>;
  readonly claims: ReadonlySet<string>;
}

type AnyContainer = Container | EphemeralContainer;
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const RESTART_POLICIES = ['Always', 'Never', 'OnFailure'];

export function containersProblems(around: Around, path: string): FieldProblem[] {
  const { containers, initContainers, ephemeralContainers } = around.spec;
  if (!containers?.length) return [required(`${path}.containers`)];
  const names = new Set<string>();
  const problems = each(containers, `${path}.containers`, (container, at) => [
    ...commonProblems(container, around, at),
    ...nameTaken(names, container.name, at),
    ...lifecycleProblems(container, around.spec, at),
    ...probesProblems(container, at),
    ...containerRestart(container, at),
  ]);
  add(problems, hostPortProblems(containers, `${path}.containers`));
  const init = each(initContainers, `${path}.initContainers`, (container, at) => [
    ...commonProblems(container, around, at),
    ...initRestart(container, at),
    ...nameTaken(names, container.name, at),
    // Upstream counts each by itself, from the first place.
    ...hostPortProblems([container], `${path}.initContainers`),
    ...initProblems(container, around.spec, at),
  ]);
  add(problems, init);
  if (!ephemeralContainers?.length) return problems;
  const others = new Set([...containers, ...(initContainers ?? [])].map(({ name }) => name));
  for (const [i, container] of ephemeralContainers.entries()) {
    const at = `${path}.ephemeralContainers[${i}]`;
    add(problems, commonProblems(container, around, at));
    add(problems, imageSpaceProblems(container, at));
    problems.push(...nameTaken(names, container.name, at), ...ephemeralProblems(container, others, at));
  }
  return problems;
}

/** Of pods, not of templates: those have always been let through. */
export function imageSpaceProblems({ image = '' }: AnyContainer, path: string): FieldProblem[] {
  const why = 'must not have leading or trailing whitespace';
  return image === image.trim() ? [] : [invalidValue(`${path}.image`, image, why)];
}

function nameTaken(names: Set<string>, name: string, path: string): FieldProblem[] {
  if (names.has(name)) return [duplicate(`${path}.name`, name)];
  names.add(name);
  return [];
}

function commonProblems(container: AnyContainer, { spec, volumes, claims }: Around, path: string): FieldProblem[] {
  const { name, image, terminationMessagePolicy, env, envFrom, resources, imagePullPolicy, securityContext } =
    container;
  const problems = requiredName(`${path}.name`, name, dns1123Label);
  if (!image) problems.push(required(`${path}.image`));
  add(problems, requiredOneOf(`${path}.terminationMessagePolicy`, terminationMessagePolicy, MESSAGE_POLICIES));
  if (container.ports) add(problems, portsProblems(container, `${path}.ports`));
  if (env) add(problems, envProblems(env, `${path}.env`));
  if (envFrom) add(problems, envFromProblems(envFrom, `${path}.envFrom`));
  if (container.volumeMounts) add(problems, mountsProblems(container, volumes, `${path}.volumeMounts`));
  if (container.volumeDevices) add(problems, devicesProblems(container, volumes, `${path}.volumeDevices`));
  add(problems, requiredOneOf(`${path}.imagePullPolicy`, imagePullPolicy, PULL_POLICIES));
  if (resources) add(problems, requirementsProblems(resources, `${path}.resources`, claims));
  if (container.resizePolicy) add(problems, resizeProblems(container, spec, `${path}.resizePolicy`));
  if (securityContext) {
    const hostUsers = spec.hostUsers !== false;
    add(problems, containerSecurityProblems(securityContext, `${path}.securityContext`, hostUsers));
  }
  return problems;
}

function portsProblems({ ports }: AnyContainer, path: string): FieldProblem[] {
  const names = new Set<string>();
  return each(ports, path, ({ name, containerPort, hostPort, protocol }, at) => {
    const problems: FieldProblem[] = [];
    if (name) {
      const wrong = named(`${at}.name`, name, portName);
      problems.push(...wrong);
      if (wrong.length === 0) problems.push(...(names.has(name) ? [duplicate(`${at}.name`, name)] : []));
      names.add(name);
    }
    if (!containerPort) problems.push(required(`${at}.containerPort`));
    else {
      for (const why of portNumber(containerPort)) {
        problems.push(invalidValue(`${at}.containerPort`, containerPort, why));
      }
    }
    if (hostPort) {
      for (const why of portNumber(hostPort)) problems.push(invalidValue(`${at}.hostPort`, hostPort, why));
    }
    problems.push(...requiredOneOf(`${at}.protocol`, protocol, PROTOCOLS));
    return problems;
  });
}

/** On the network of the node a port is itself. A template may leave the host's port out: it is filled in later. */
export function hostNetworkProblems({ hostNetwork, containers }: PodSpec, path: string): FieldProblem[] {
  if (!hostNetwork) return [];
  return (containers ?? []).flatMap(({ ports }, i) =>
    (ports ?? []).flatMap(({ hostPort, containerPort }, n) => {
      if (!hostPort || hostPort === containerPort) return [];
      const why = 'must match `containerPort` when `hostNetwork` is true';
      return [invalidValue(`${path}.containers[${i}].ports[${n}].hostPort`, hostPort, why)];
    }),
  );
}

function hostPortProblems(containers: readonly Container[], path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort))) return problems;
  const taken = new Set<string>();
  for (const [i, { ports }] of containers.entries()) {
    for (const [n, { hostPort, hostIP = '', protocol }] of (ports ?? []).entries()) {
      if (!hostPort) continue;
      const id = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(id)) problems.push(duplicate(`${path}[${i}].ports[${n}].hostPort`, id));
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
      problems.push(invalidValue(path, policy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"));
    }
    return problems;
  });
}

function lifecycleProblems({ lifecycle }: Container, spec: PodSpec, path: string): FieldProblem[] {
  if (lifecycle === undefined) return [];
  const { os, terminationGracePeriodSeconds: grace } = spec;
  const { postStart, preStop, stopSignal } = lifecycle;
  const at = `${path}.lifecycle`;
  const problems: FieldProblem[] = [];
  if (postStart) problems.push(...handlerProblems(postStart, `${at}.postStart`, grace));
  if (preStop) problems.push(...handlerProblems(preStop, `${at}.preStop`, grace));
  if (stopSignal === undefined) return problems;
  if (os === undefined) {
    problems.push(forbidden(`${at}.stopSignal`, 'may not be set for containers with empty `spec.os.name`'));
  } else if (os.name === 'windows' || os.name === 'linux') {
    const signals = os.name === 'linux' ? SIGNALS : ['SIGKILL', 'SIGTERM'];
    problems.push(...oneOf(`${at}.stopSignal`, stopSignal, signals));
  }
  return problems;
}

function probesProblems({ livenessProbe, readinessProbe, startupProbe }: Container, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (livenessProbe) problems.push(...probeProblems(livenessProbe, `${path}.livenessProbe`, 'liveness'));
  if (readinessProbe) problems.push(...probeProblems(readinessProbe, `${path}.readinessProbe`, 'readiness'));
  if (startupProbe) problems.push(...probeProblems(startupProbe, `${path}.startupProbe`, 'startup'));
  return problems;
}

const REAL_TIME = 15;
const SIGNALS = [
  ...['ABRT', 'ALRM', 'BUS', 'CHLD', 'CLD', 'CONT', 'FPE', 'HUP', 'ILL', 'INT', 'IO', 'IOT', 'KILL', 'PIPE', 'POLL'],
  ...['PROF', 'PWR', 'QUIT', 'SEGV', 'STKFLT', 'STOP', 'SYS', 'TERM', 'TRAP', 'TSTP', 'TTIN', 'TTOU', 'URG', 'USR1'],
  ...['USR2', 'VTALRM', 'WINCH', 'XCPU', 'XFSZ', 'RTMIN', 'RTMAX'],
  ...Array.from({ length: REAL_TIME }, (_, i) => `RTMIN+${i + 1}`),
  ...Array.from({ length: REAL_TIME - 1 }, (_, i) => `RTMAX-${i + 1}`),
]
  .map((name) => `SIG${name}`)
  .sort();

const RULES_MAX = 20;
const CODES_MAX = 255;

function containerRestart({ restartPolicy, restartPolicyRules }: Container, path: string): FieldProblem[] {
  const problems = restartPolicy === undefined ? [] : oneOf(`${path}.restartPolicy`, restartPolicy, RESTART_POLICIES);
  const rules = restartPolicyRules ?? [];
  if (rules.length === 0) return problems;
  const at = `${path}.restartPolicyRules`;
  if (restartPolicy === undefined) {
    problems.push(required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used'));
  }
  if (rules.length > RULES_MAX) problems.push(tooMany(at, rules.length, RULES_MAX));
  for (const [i, { action, exitCodes }] of rules.entries()) {
    problems.push(...oneOf(`${at}[${i}].action`, action ?? '', ['Restart', 'RestartAllContainers']));
    if (exitCodes === undefined) {
      problems.push(required(`${at}[${i}].exitCodes`, 'must be specified'));
      continue;
    }
    const { operator, values } = exitCodes;
    problems.push(...oneOf(`${at}[${i}].exitCodes.operator`, operator ?? '', ['In', 'NotIn']));
    const count = values?.length ?? 0;
    if (count > CODES_MAX) problems.push(tooMany(`${at}[${i}].exitCodes.values`, count, CODES_MAX));
  }
  return problems;
}

function initRestart(container: Container, path: string): FieldProblem[] {
  if (container.restartPolicy !== undefined) return containerRestart(container, path);
  if (!container.restartPolicyRules?.length) return [];
  return [required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used')];
}

/** Init containers come and go before the others; only those that stay, sidecars, have probes and hooks. */
function initProblems(container: Container, spec: PodSpec, path: string): FieldProblem[] {
  if (container.restartPolicy === 'Always') {
    return [...lifecycleProblems(container, spec, path), ...probesProblems(container, path)];
  }
  const problems: FieldProblem[] = [];
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[field] === undefined) continue;
    problems.push(forbidden(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
  }
  if (!container.resizePolicy) return problems;
  for (const [i, { restartPolicy: policy }] of container.resizePolicy.entries()) {
    if (policy !== 'RestartContainer') continue;
    const why = "must not be set to 'RestartContainer' for non-sidecar initContainers";
    problems.push(invalidValue(`${path}.resizePolicy[${i}].restartPolicy`, policy, why));
  }
  return problems;
}

/** In upstream's order of fields. */
const NOT_EPHEMERAL = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

function ephemeralProblems(container: EphemeralContainer, others: ReadonlySet<string>, path: string): FieldProblem[] {
  const { targetContainerName, volumeMounts } = container;
  const problems: FieldProblem[] = [];
  if (targetContainerName && !others.has(targetContainerName)) {
    problems.push(notFoundValue(`${path}.targetContainerName`, targetContainerName));
  }
  const no = 'cannot be set for an Ephemeral Container';
  for (const field of NOT_EPHEMERAL) {
    const value = container[field];
    if (value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)) continue;
    problems.push(forbidden(`${path}.${field}`, no));
  }
  for (const [i, { subPath, subPathExpr }] of (volumeMounts ?? []).entries()) {
    if (subPath) problems.push(forbidden(`${path}.volumeMounts[${i}].subPath`, no));
    if (subPathExpr) problems.push(forbidden(`${path}.volumeMounts[${i}].subPathExpr`, no));
  }
  return problems;
}

// Containers of pods and templates.
import { configMapKey, dns1123Label, dns1123Subdomain, envVarName, portName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Container, EphemeralContainer } from '../../../api/types/core/container.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { allProbeProblems, lifecycleProblems } from './probes.ts';
import { duplicate, forbidden, invalidValue, notFoundValue, notSupported, required } from './problems.ts';
import { requirementProblems } from './resources.ts';
import { containerSecurityProblems } from './security-context.ts';
import { named, oneOf, portProblems, requiredName } from './values.ts';

export function containersProblems(spec: PodSpec, path: string): FieldProblem[] {
  const { containers, initContainers = [], ephemeralContainers = [] } = spec;
  const problems: FieldProblem[] = [];
  const names = new Set<string>();
  const at = (list: string, i: number) => `${path}.${list}[${i}]`;
  if (!containers?.length) return [required(`${path}.containers`)];
  const check = (container: Container, where: string, extra: () => FieldProblem[]) => {
    problems.push(...nameProblems(container, where, names), ...containerProblems(container, where, spec), ...extra());
  };
  for (const [i, container] of containers.entries()) {
    check(container, at('containers', i), () => [
      ...lifecycleProblems(container, at('containers', i), spec.terminationGracePeriodSeconds),
      ...allProbeProblems(container, at('containers', i)),
      ...(container.restartPolicy === undefined
        ? []
        : oneOf(`${at('containers', i)}.restartPolicy`, container.restartPolicy, ['Always', 'OnFailure', 'Never'])),
    ]);
  }
  for (const [i, container] of initContainers.entries()) {
    check(container, at('initContainers', i), () => initProblems(container, at('initContainers', i), spec));
  }
  for (const [i, container] of ephemeralContainers.entries()) {
    const where = at('ephemeralContainers', i);
    check(container as Container, where, () => ephemeralProblems(container, where, spec));
  }
  return [...problems, ...hostPortProblems(spec, path)];
}

function nameProblems({ name }: Container, path: string, names: Set<string>): FieldProblem[] {
  const problems = requiredName(`${path}.name`, name, dns1123Label);
  if (problems.length > 0) return problems;
  if (names.has(name)) return [duplicate(`${path}.name`, name)];
  names.add(name);
  return [];
}

/** Init containers run to their end; only those that stay may be probed. */
function initProblems(container: Container, path: string, spec: PodSpec): FieldProblem[] {
  const { restartPolicy, lifecycle, livenessProbe, readinessProbe, startupProbe } = container;
  if (restartPolicy === 'Always') {
    return [
      ...lifecycleProblems(container, path, spec.terminationGracePeriodSeconds),
      ...allProbeProblems(container, path),
    ];
  }
  const parts = { lifecycle, livenessProbe, readinessProbe, startupProbe };
  const stays = 'may not be set for init containers without restartPolicy=Always';
  return [
    ...oneOf(`${path}.restartPolicy`, restartPolicy, ['Always']),
    ...Object.entries(parts).flatMap(([name, part]) => (part ? [forbidden(`${path}.${name}`, stays)] : [])),
  ];
}

const NOT_EPHEMERAL = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resources',
  'resizePolicy',
  'restartPolicy',
] as const;

function ephemeralProblems(container: EphemeralContainer, path: string, spec: PodSpec): FieldProblem[] {
  const target = container.targetContainerName;
  const all = [...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name);
  const isSet = (value: unknown) =>
    value !== undefined && (typeof value !== 'object' || value === null || Object.keys(value).length > 0);
  return [
    ...(target && !all.includes(target) ? [notFoundValue(`${path}.targetContainerName`, target)] : []),
    ...NOT_EPHEMERAL.filter((name) => isSet(container[name])).map((name) =>
      forbidden(`${path}.${name}`, 'cannot be set for an Ephemeral Container'),
    ),
    ...(container.volumeMounts ?? []).flatMap(({ subPath, subPathExpr }, i) => [
      ...(subPath ? [forbidden(`${path}.volumeMounts[${i}].subPath`, 'cannot be set for an Ephemeral Container')] : []),
      ...(subPathExpr
        ? [forbidden(`${path}.volumeMounts[${i}].subPathExpr`, 'cannot be set for an Ephemeral Container')]
        : []),
    ]),
  ];
}

function containerProblems(container: Container, path: string, spec: PodSpec): FieldProblem[] {
  const { image = '', ports = [], imagePullPolicy, terminationMessagePolicy } = container;
  const problems: FieldProblem[] = [];
  if (image === '') problems.push(required(`${path}.image`));
  else if (image !== image.trim()) {
    problems.push(invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace'));
  }
  return [
    ...problems,
    ...oneOf(`${path}.terminationMessagePolicy`, terminationMessagePolicy, ['File', 'FallbackToLogsOnError']),
    ...containerPortsProblems(ports, `${path}.ports`, spec.hostNetwork === true),
    ...envProblems(container.env ?? [], `${path}.env`),
    ...envFromProblems(container.envFrom ?? [], `${path}.envFrom`),
    ...mountProblems(container, path, spec),
    ...oneOf(`${path}.imagePullPolicy`, imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...requirementProblems(container.resources, `${path}.resources`),
    ...containerSecurityProblems(container.securityContext, `${path}.securityContext`),
  ];
}

function containerPortsProblems(
  ports: NonNullable<Container['ports']>,
  path: string,
  hostNetwork: boolean,
): FieldProblem[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort, protocol }, i) => {
    const at = `${path}[${i}]`;
    const problems: FieldProblem[] = [];
    if (name) {
      const wrong = named(`${at}.name`, name, portName);
      if (wrong.length > 0) problems.push(...wrong);
      else if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (!containerPort) problems.push(required(`${at}.containerPort`));
    else problems.push(...portProblems(`${at}.containerPort`, containerPort));
    if (hostPort) {
      problems.push(...portProblems(`${at}.hostPort`, hostPort));
      if (hostNetwork && hostPort !== containerPort) {
        problems.push(
          invalidValue(`${at}.hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true'),
        );
      }
    }
    if (!protocol) problems.push(required(`${at}.protocol`));
    return [...problems, ...oneOf(`${at}.protocol`, protocol || undefined, ['SCTP', 'TCP', 'UDP'])];
  });
}

function hostPortProblems({ containers }: PodSpec, path: string): FieldProblem[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort, hostIP = '', protocol }, n) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      const shown = `${hostPort}/${protocol}`;
      if (taken.has(key)) return [duplicate(`${path}.containers[${i}].ports[${n}].hostPort`, shown)];
      taken.add(key);
      return [];
    }),
  );
}

type Env = NonNullable<Container['env']>[number];
type ValueFrom = NonNullable<Env['valueFrom']>;

function envProblems(env: readonly Env[], path: string): FieldProblem[] {
  return env.flatMap(({ name, value, valueFrom }, i) => {
    const at = `${path}[${i}]`;
    return [
      ...requiredName(`${at}.name`, name, envVarName),
      ...(valueFrom ? valueFromProblems(valueFrom, `${at}.valueFrom`, value ?? '') : []),
    ];
  });
}

const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const ENV_RESOURCES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

function valueFromProblems(from: ValueFrom, path: string, value: string): FieldProblem[] {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = from;
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(Boolean).length;
  if (sources === 0) {
    return [
      invalidValue(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    ];
  }
  const problems: FieldProblem[] = [];
  if (value !== '') problems.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  else if (sources > 1) problems.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
  if (fieldRef) problems.push(...fieldRefProblems(fieldRef, `${path}.fieldRef`, ENV_FIELDS));
  if (resourceFieldRef) {
    const { resource } = resourceFieldRef;
    const at = `${path}.resourceFieldRef.resource`;
    const known = ENV_RESOURCES.includes(resource) || /^(limits|requests)\.hugepages-/.test(resource);
    if (!resource) problems.push(required(at));
    else if (!known) problems.push(notSupported(at, resource, ENV_RESOURCES));
  }
  if (configMapKeyRef) problems.push(...keyRefProblems(configMapKeyRef, `${path}.configMapKeyRef`));
  if (secretKeyRef) problems.push(...keyRefProblems(secretKeyRef, `${path}.secretKeyRef`));
  return problems;
}

function keyRefProblems({ name = '', key }: { name?: string; key: string }, path: string): FieldProblem[] {
  return [
    ...requiredName(`${path}.name`, name, dns1123Subdomain),
    ...(key ? named(`${path}.key`, key, configMapKey) : [required(`${path}.key`)]),
  ];
}

const SUBSCRIPT = /^metadata\.(labels|annotations)\['.*'\]$/;
/** Fields that a downward volume, or an event, may name beside these. */
const KNOWN_FIELDS = [
  ...ENV_FIELDS,
  'metadata.labels',
  'metadata.annotations',
  'spec.hostname',
  'spec.restartPolicy',
  'status.phase',
];

export function fieldRefProblems(
  { fieldPath, apiVersion }: { fieldPath: string; apiVersion?: string },
  path: string,
  supported: readonly string[],
): FieldProblem[] {
  if (!apiVersion) return [required(`${path}.apiVersion`)];
  if (!fieldPath) return [required(`${path}.fieldPath`)];
  if (SUBSCRIPT.test(fieldPath)) return [];
  if (!KNOWN_FIELDS.includes(fieldPath)) {
    const why = `error converting fieldPath: field label not supported: ${fieldPath}`;
    return [invalidValue(`${path}.fieldPath`, fieldPath, why)];
  }
  return oneOf(`${path}.fieldPath`, fieldPath, supported);
}

function envFromProblems(envFrom: NonNullable<Container['envFrom']>, path: string): FieldProblem[] {
  return envFrom.flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = `${path}[${i}]`;
    const problems = prefix ? named(`${at}.prefix`, prefix, envVarName) : [];
    if (configMapRef) problems.push(...requiredName(`${at}.configMapRef.name`, configMapRef.name, dns1123Subdomain));
    if (secretRef) problems.push(...requiredName(`${at}.secretRef.name`, secretRef.name, dns1123Subdomain));
    if (!configMapRef && !secretRef) {
      problems.push(invalidValue(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef && secretRef) {
      problems.push(invalidValue(at, '', 'may not have more than one field specified at a time'));
    }
    return problems;
  });
}

function mountProblems(
  { volumeMounts = [], volumeDevices = [] }: Container,
  path: string,
  spec: PodSpec,
): FieldProblem[] {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const paths = new Set<string>();
  const problems = volumeMounts.flatMap((mount, i) => {
    const at = `${path}.volumeMounts[${i}]`;
    const { name, mountPath, subPath, subPathExpr, mountPropagation } = mount;
    const rows: FieldProblem[] = [];
    if (!name) rows.push(required(`${at}.name`));
    else if (!volumes.has(name)) rows.push(notFoundValue(`${at}.name`, name));
    if (!mountPath) rows.push(required(`${at}.mountPath`));
    else if (paths.has(mountPath)) rows.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    // Upstream leaves the index out of these two.
    if (subPath) rows.push(...localPathProblems(`${path}.volumeMounts.subPath`, subPath));
    if (subPathExpr) {
      if (subPath)
        rows.push(
          invalidValue(
            `${path}.volumeMounts.subPathExpr`,
            subPathExpr,
            'subPathExpr and subPath are mutually exclusive',
          ),
        );
      rows.push(...localPathProblems(`${path}.volumeMounts.subPathExpr`, subPathExpr));
    }
    rows.push(...oneOf(`${at}.mountPropagation`, mountPropagation, ['Bidirectional', 'HostToContainer', 'None']));
    return rows;
  });
  const devices = volumeDevices.flatMap(({ name, devicePath }, i) => {
    const at = `${path}.volumeDevices[${i}]`;
    const rows: FieldProblem[] = [];
    if (!name) rows.push(required(`${at}.name`));
    if (!devicePath) rows.push(required(`${at}.devicePath`));
    if (name && !volumes.has(name)) rows.push(notFoundValue(`${at}.name`, name));
    return rows;
  });
  return [...problems, ...devices];
}

/** Inside of something: neither from the root nor out by '..'. */
export function localPathProblems(path: string, value: string): FieldProblem[] {
  if (value.startsWith('/')) return [invalidValue(path, value, 'must be a relative path')];
  return value.split('/').includes('..') ? [invalidValue(path, value, "must not contain '..'")] : [];
}

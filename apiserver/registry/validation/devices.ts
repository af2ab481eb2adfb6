// Claims of devices, templates of them, classes, and the slices in which drivers say what they have.
import { cIdentifier, dns1123Label, dns1123Subdomain } from '../../../api/names.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { DeviceClass, OpaqueDeviceConfiguration } from '../../../api/types/resource/device-class.ts';
import type { DeviceClaim, DeviceRequest, DeviceToleration } from '../../../api/types/resource/device-request.ts';
import {
  AllocationResult,
  type ResourceClaim,
  ResourceClaimSpec,
  type ResourceClaimTemplate,
  ResourceClaimTemplateSpec,
} from '../../../api/types/resource/resource-claim.ts';
import { unchangedInGo } from './go-value.ts';
import { annotationProblems, labelProblems } from './object-meta.ts';
import { duplicate, forbidden, invalidValue, notSupported, required, tooLong, tooMany } from './problems.ts';
import { nodeSelectorProblems } from './scheduling.ts';
import { each, named, oneOf, requiredName, requiredOneOf } from './values.ts';
import { driverNameProblems } from './volume-sources.ts';

const MAX = { requests: 32, alternatives: 8, constraints: 32, configs: 32, selectors: 32, users: 256, results: 32 };
const EXPRESSION_MAX = 10 * 1024;
const PARAMETERS_MAX = 10 * 1024;
const POOL_NAME_MAX = 253;
const ID_MAX = 32;
const EFFECTS = ['NoExecute', 'NoSchedule', 'None'];
const ONE_OF = 'exactly one of `exactly` or `firstAvailable` is required';
const REFERENCE =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

export const resourceClaimProblems = ({ spec }: ResourceClaim) => claimProblems(spec.devices, 'spec.devices');

export function resourceClaimUpdateProblems(next: ResourceClaim, current: ResourceClaim): FieldProblem[] {
  return unchangedInGo(ResourceClaimSpec, 'spec', next.spec, current.spec);
}

export function claimTemplateProblems({ spec }: ResourceClaimTemplate): FieldProblem[] {
  const { labels, annotations } = spec.metadata ?? {};
  return [
    ...annotationProblems(annotations, 'spec.metadata.annotations'),
    ...labelProblems(labels, 'spec.metadata.labels'),
    ...claimProblems(spec.spec.devices, 'spec.spec.devices'),
  ];
}

export function claimTemplateUpdateProblems(next: ResourceClaimTemplate, current: ResourceClaimTemplate) {
  return unchangedInGo(ResourceClaimTemplateSpec, 'spec', next.spec, current.spec);
}

export function deviceClassProblems({ spec }: DeviceClass): FieldProblem[] {
  return [
    ...selectorsProblems(spec.selectors, 'spec.selectors'),
    ...list(spec.config, 'spec.config', MAX.configs, ({ opaque }, at) => opaqueProblems(opaque, at)),
    ...(spec.extendedResourceName !== undefined && !isExtended(spec.extendedResourceName)
      ? [invalidValue('spec.extendedResourceName', spec.extendedResourceName, 'must be a valid extended resource name')]
      : []),
  ];
}

export function claimStatusProblems(next: ResourceClaim, current: ResourceClaim): FieldProblem[] {
  const { reservedFor = [], allocation, devices } = next.status ?? {};
  const requests = requestNames(next.spec.devices);
  const problems = set(
    reservedFor,
    'status.reservedFor',
    MAX.users,
    ({ uid }) => uid,
    (user, at) => [
      ...(user.resource ? [] : [required(`${at}.resource`)]),
      ...(user.name ? [] : [required(`${at}.name`)]),
      ...(user.uid ? [] : [required(`${at}.uid`)]),
    ],
  );
  const results = allocation?.devices?.results ?? [];
  const has = new Set(results.map(idOf));
  problems.push(
    ...set(devices, 'status.devices', Number.POSITIVE_INFINITY, idOf, (device, at) => [
      ...driverNameProblems(`${at}.driver`, device.driver),
      ...poolProblems(device.pool, `${at}.pool`),
      ...named(`${at}.device`, device.device, dns1123Label),
      ...(has.has(idOf(device)) ? [] : [invalidValue(at, idOf(device), 'must be an allocated device in the claim')]),
    ]),
  );
  if (reservedFor.length > 0 && allocation === undefined) {
    problems.push(forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'));
  } else if (next.metadata.deletionTimestamp !== undefined) {
    const before = current.status?.reservedFor ?? [];
    if (reservedFor.some((user) => !before.some((other) => deepEqual(user, other)))) {
      const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
      problems.push(forbidden('status.reservedFor', why));
    }
  }
  const allocated = current.status?.allocation;
  if (allocation === undefined) return problems;
  if (allocated !== undefined)
    return [...problems, ...unchangedInGo(AllocationResult, 'status.allocation', allocation, allocated)];
  problems.push(
    ...list(results, 'status.allocation.devices.results', MAX.results, (result, at) => [
      ...referenceProblems(result.request, `${at}.request`, requests),
      ...driverNameProblems(`${at}.driver`, result.driver),
      ...poolProblems(result.pool, `${at}.pool`),
      ...named(`${at}.device`, result.device, dns1123Label),
    ]),
    ...list(allocation.devices?.config, 'status.allocation.devices.config', 2 * MAX.configs, (config, at) => [
      ...requiredOneOf(`${at}.source`, config.source, ['FromClaim', 'FromClass']),
      ...referencesProblems(config.requests, `${at}.requests`, requests),
      ...opaqueProblems(config.opaque, at),
    ]),
  );
  if (allocation.nodeSelector !== undefined) {
    problems.push(...nodeSelectorProblems(allocation.nodeSelector, 'status.allocation.nodeSelector'));
  }
  return problems;
}

function claimProblems(devices: DeviceClaim | undefined, path: string): FieldProblem[] {
  const requests = requestNames(devices);
  return [
    ...set(devices?.requests, `${path}.requests`, MAX.requests, ({ name }) => name, requestProblems),
    ...list(devices?.constraints, `${path}.constraints`, MAX.constraints, (constraint, at) => [
      ...referencesProblems(constraint.requests, `${at}.requests`, requests),
      ...constraintProblems(constraint, at),
    ]),
    ...list(devices?.config, `${path}.config`, MAX.configs, (config, at) => [
      ...referencesProblems(config.requests, `${at}.requests`, requests),
      ...opaqueProblems(config.opaque, at),
    ]),
  ];
}

function requestProblems(request: DeviceRequest, path: string): FieldProblem[] {
  const { name, exactly, firstAvailable = [] } = request;
  const problems = named(`${path}.name`, name, dns1123Label);
  if (exactly === undefined && firstAvailable.length === 0) return [...problems, required(path, ONE_OF)];
  if (exactly !== undefined && firstAvailable.length > 0) {
    return [...problems, invalidValue(path, undefined, `${ONE_OF}, but multiple fields are set`)];
  }
  if (exactly !== undefined) return [...problems, ...exactProblems(exactly, `${path}.exactly`)];
  const alternatives = set(
    firstAvailable,
    `${path}.firstAvailable`,
    MAX.alternatives,
    (each) => each.name,
    (each, at) => [...named(`${at}.name`, each.name, dns1123Label), ...exactProblems(each, at)],
  );
  return [...problems, ...alternatives];
}

type Exact = Omit<NonNullable<DeviceRequest['exactly']>, 'adminAccess'>;

function exactProblems(request: Exact, path: string): FieldProblem[] {
  const { deviceClassName, selectors, allocationMode = '', count = 0, tolerations } = request;
  const problems = requiredName(`${path}.deviceClassName`, deviceClassName, dns1123Subdomain);
  problems.push(...selectorsProblems(selectors, `${path}.selectors`));
  if (allocationMode === 'All') {
    const why = "must not be specified when allocationMode is 'All'";
    if (count !== 0) problems.push(invalidValue(`${path}.count`, count, why));
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) problems.push(invalidValue(`${path}.count`, count, 'must be greater than zero'));
  } else {
    problems.push(notSupported(`${path}.allocationMode`, allocationMode, ['All', 'ExactCount']));
  }
  return [...problems, ...each(tolerations, `${path}.tolerations`, tolerationProblems)];
}

function tolerationProblems({ key, operator, value, effect }: DeviceToleration, path: string): FieldProblem[] {
  const problems = requiredOneOf(`${path}.operator`, operator, ['Equal', 'Exists']);
  if (!key && operator !== 'Exists') {
    problems.push(required(`${path}.key`, 'must be set when `operator` is not set to `Exists`'));
  }
  if (operator === 'Exists' && value) {
    problems.push(invalidValue(`${path}.value`, value, 'must be empty for operator `Exists`'));
  }
  return [...problems, ...(effect ? oneOf(`${path}.effect`, effect, EFFECTS) : [])];
}

interface Constraint {
  readonly matchAttribute?: string;
  readonly distinctAttribute?: string;
}

function constraintProblems({ matchAttribute, distinctAttribute }: Constraint, path: string): FieldProblem[] {
  if (matchAttribute !== undefined) return attributeNameProblems(matchAttribute, `${path}.matchAttribute`);
  if (distinctAttribute !== undefined) return attributeNameProblems(distinctAttribute, `${path}.distinctAttribute`);
  const why = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [required(path, why)];
}

/** Of a domain, for it is used outside of the driver that it belongs to. */
function attributeNameProblems(name: string, path: string): FieldProblem[] {
  const whole = 'a fully qualified name must be a domain and a name separated by a slash';
  return [...qualifiedProblems(name, path), ...(name.includes('/') ? [] : [invalidValue(path, name, whole)])];
}

export function qualifiedProblems(name: string, path: string): FieldProblem[] {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) return [invalidValue(path, name, 'must not contain more than one slash')];
  if (second === undefined) return identifierProblems(first, path);
  return [
    ...(first === '' ? [invalidValue(path, '', 'the domain must not be empty')] : driverNameProblems(path, first)),
    ...(second === '' ? [invalidValue(path, '', 'the name must not be empty')] : identifierProblems(second, path)),
  ];
}

function identifierProblems(id: string, path: string): FieldProblem[] {
  return [...(id.length > ID_MAX ? [tooLong(path, ID_MAX)] : []), ...named(path, id, cIdentifier)];
}

function selectorsProblems(selectors: Exact['selectors'], path: string): FieldProblem[] {
  return list(selectors, path, MAX.selectors, ({ cel }, at) => {
    if (cel === undefined) return [required(`${at}.cel`)];
    return cel.expression.length > EXPRESSION_MAX ? [tooLong(`${at}.cel.expression`, EXPRESSION_MAX)] : [];
  });
}

function opaqueProblems(opaque: OpaqueDeviceConfiguration | undefined, path: string): FieldProblem[] {
  if (opaque === undefined) return [required(`${path}.opaque`)];
  const { driver, parameters } = opaque;
  const at = `${path}.opaque.parameters`;
  const problems = driverNameProblems(`${path}.opaque.driver`, driver);
  if (parameters === undefined || parameters === null) return [...problems, required(at)];
  const text = JSON.stringify(parameters);
  // Shown is only how much it is.
  if (text.length > PARAMETERS_MAX) problems.push(tooLong(at, PARAMETERS_MAX));
  else if (typeof parameters !== 'object' || Array.isArray(parameters)) {
    problems.push(invalidValue(at, text, 'must be a valid JSON object'));
  }
  return problems;
}

export function poolProblems(name: string | undefined, path: string): FieldProblem[] {
  if (!name) return [required(path)];
  return [
    ...(name.length > POOL_NAME_MAX ? [tooLong(path, POOL_NAME_MAX)] : []),
    ...name.split('/').flatMap((part) => named(path, part, dns1123Subdomain)),
  ];
}

type Requests = ReadonlyMap<string, ReadonlySet<string>>;

function requestNames(devices: DeviceClaim | undefined): Requests {
  return new Map(
    (devices?.requests ?? []).map(({ name, firstAvailable = [] }) => [
      name,
      new Set(firstAvailable.map((sub) => sub.name)),
    ]),
  );
}

function referencesProblems(names: readonly string[] | undefined, path: string, requests: Requests): FieldProblem[] {
  return set(
    names,
    path,
    MAX.requests,
    (name) => name,
    (name, at) => referenceProblems(name, at, requests),
  );
}

function referenceProblems(name: string, path: string, requests: Requests): FieldProblem[] {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) return [invalidValue(path, name, REFERENCE)];
  const problems = [first, ...(second === undefined ? [] : [second])].flatMap((part) =>
    named(path, part, dns1123Label),
  );
  const known = requests.has(first) && (second === undefined || requests.get(first)!.has(second));
  return known ? problems : [...problems, invalidValue(path, name, REFERENCE)];
}

function isExtended(name: string): boolean {
  const [domain = '', local = '', ...more] = name.split('/');
  if (more.length > 0 || name.startsWith('requests.') || /(^|\.)kubernetes\.io$/.test(domain)) return false;
  return dns1123Subdomain(domain).length === 0 && /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(local);
}

function idOf({ driver, pool, device, shareID }: { driver: string; pool: string; device: string; shareID?: string }) {
  return [driver, pool, device, ...(shareID ? [shareID] : [])].join('/');
}

type Check<T> = (item: T, path: string) => FieldProblem[];

/** Too many are not looked at one by one. */
export function list<T>(items: readonly T[] | undefined, path: string, max: number, check: Check<T>): FieldProblem[] {
  const count = items?.length ?? 0;
  return count > max ? [tooMany(path, count, max)] : each(items, path, check);
}

export function set<T>(
  items: readonly T[] | undefined,
  path: string,
  max: number,
  keyOf: (item: T) => string,
  check: Check<T>,
): FieldProblem[] {
  if ((items?.length ?? 0) > max) return [tooMany(path, items!.length, max)];
  const keys = (items ?? []).map(keyOf);
  const again = keys.flatMap((key, i) => (keys.indexOf(key) < i ? [duplicate(`${path}[${i}]`, key)] : []));
  return [...each(items, path, check), ...again];
}

// Slices: the devices of one pool, where they can be used, and what drivers say of each.
import { dns1123Label, dns1123Subdomain } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Device, DeviceAttribute } from '../../../api/types/resource/device.ts';
import type { ResourceSlice } from '../../../api/types/resource/resource-slice.ts';
import { list, poolProblems, qualifiedProblems, set } from './devices.ts';
import { forbidden, invalidValue, required, tooLong } from './problems.ts';
import { nodeSelectorProblems } from './scheduling.ts';
import { named, requiredName, requiredOneOf, unchanged } from './values.ts';
import { driverNameProblems } from './volume-sources.ts';

const DEVICES_MAX = 128;
/** With taints, counters or lists as attributes each device is larger. */
const LARGE_DEVICES_MAX = 64;
const COUNTER_SETS_MAX = 8;
const COUNTERS_MAX = 32;
const TAINTS_MAX = 16;
const CONSUMPTIONS_MAX = 2;
const FACTS_MAX = 32;
const TEXT_MAX = 64;
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;
const UNSET_OR_TRUE = 'must be either unset or set to true';
const ONE_PLACE = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
const ONE_DEVICE_PLACE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';

export function resourceSliceUpdateProblems(next: ResourceSlice, current: ResourceSlice): FieldProblem[] {
  return [
    ...resourceSliceProblems(next),
    ...unchanged('spec.pool.name', next.spec.pool.name, current.spec.pool.name),
    ...unchanged('spec.driver', next.spec.driver, current.spec.driver),
    ...unchanged('spec.nodeName', next.spec.nodeName, current.spec.nodeName),
  ];
}

export function resourceSliceProblems({ spec }: ResourceSlice): FieldProblem[] {
  const { driver, pool, devices, sharedCounters, nodeName, nodeSelector, allNodes, perDeviceNodeSelection } = spec;
  const problems = [...driverNameProblems('spec.driver', driver), ...poolProblems(pool.name, 'spec.pool.name')];
  if (pool.resourceSliceCount <= 0) {
    problems.push(invalidValue('spec.pool.resourceSliceCount', pool.resourceSliceCount, 'must be greater than zero'));
  }
  if (pool.generation < 0) {
    problems.push(invalidValue('spec.pool.generation', pool.generation, 'must be greater than or equal to zero'));
  }
  if (nodeName !== undefined) {
    if (nodeName === '') {
      problems.push(invalidValue('spec.nodeName', nodeName, 'must be either unset or set to a non-empty string'));
    } else problems.push(...named('spec.nodeName', nodeName, dns1123Subdomain));
  }
  if (nodeSelector !== undefined) {
    problems.push(...nodeSelectorProblems(nodeSelector, 'spec.nodeSelector'));
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    const why = 'must have exactly one node selector term';
    if (terms.length !== 1) problems.push(invalidValue('spec.nodeSelector.nodeSelectorTerms', terms, why));
  }
  if (allNodes === false) problems.push(invalidValue('spec.allNodes', allNodes, UNSET_OR_TRUE));
  if (perDeviceNodeSelection === false) {
    problems.push(invalidValue('spec.perDeviceNodeSelection', perDeviceNodeSelection, UNSET_OR_TRUE));
  }
  problems.push(...oneSet('spec', { nodeName, nodeSelector, allNodes, perDeviceNodeSelection }, ONE_PLACE));
  if (sharedCounters !== undefined && devices !== undefined) {
    problems.push(invalidValue('spec', '', 'only one of `sharedCounters` or `devices` is allowed'));
  }
  const max = (devices ?? []).some(isLarge) ? LARGE_DEVICES_MAX : DEVICES_MAX;
  const check = (device: Device, at: string) => deviceProblems(device, at, perDeviceNodeSelection === true);
  problems.push(...set(devices, 'spec.devices', max, ({ name }) => name, check));
  problems.push(
    ...set(
      sharedCounters,
      'spec.sharedCounters',
      COUNTER_SETS_MAX,
      ({ name }) => name,
      ({ name, counters }, at) => [
        ...requiredName(`${at}.name`, name, dns1123Label),
        ...countersProblems(counters, `${at}.counters`),
      ],
    ),
  );
  return problems;
}

function isLarge({ taints, consumesCounters, attributes }: Device): boolean {
  const lists = Object.values(attributes ?? {}).some(
    (each) => each.ints ?? each.bools ?? each.strings ?? each.versions,
  );
  return (taints ?? []).length > 0 || (consumesCounters ?? []).length > 0 || lists;
}

/** Names those that are set, as upstream shows them. */
function oneSet(path: string, fields: Readonly<Record<string, unknown>>, why: string): FieldProblem[] {
  const named = Object.entries(fields).flatMap(([name, value]) => (value ? [`\`${name}\``] : []));
  if (named.length === 1) return [];
  if (named.length === 0) return [required(path, why)];
  const more = why === ONE_PLACE ? `${why}, but multiple fields are set` : why;
  return [invalidValue(path, `{${named.join(', ')}}`, more)];
}

function deviceProblems(device: Device, path: string, ownPlace: boolean): FieldProblem[] {
  const { name, attributes = {}, capacity = {}, taints, consumesCounters, nodeName, nodeSelector, allNodes } = device;
  const problems = named(`${path}.name`, name, dns1123Label);
  const facts = Object.keys(attributes).length + Object.keys(capacity).length;
  if (facts > FACTS_MAX) {
    problems.push(
      invalidValue(path, facts, `the total number of attributes and capacities must not exceed ${FACTS_MAX}`),
    );
  }
  for (const [key, attribute] of Object.entries(attributes)) {
    problems.push(...qualifiedProblems(key, `${path}.attributes`));
    problems.push(...attributeProblems(attribute, `${path}.attributes[${key}]`));
  }
  for (const [key, { requestPolicy }] of Object.entries(capacity)) {
    problems.push(...qualifiedProblems(key, `${path}.capacity`));
    if (requestPolicy !== undefined && device.allowMultipleAllocations !== true) {
      problems.push(forbidden(`${path}.capacity[${key}].requestPolicy`, 'allowMultipleAllocations must be true'));
    }
  }
  problems.push(
    ...list(taints, `${path}.taints`, TAINTS_MAX, (taint, at) => [
      ...requiredName(`${at}.key`, taint.key, () => []),
      ...requiredOneOf(`${at}.effect`, taint.effect, ['NoExecute', 'NoSchedule', 'None']),
    ]),
    ...set(
      consumesCounters,
      `${path}.consumesCounters`,
      CONSUMPTIONS_MAX,
      (each) => each.counterSet,
      (each, at) => [
        ...requiredName(`${at}.counterSet`, each.counterSet, dns1123Label),
        ...countersProblems(each.counters, `${at}.counters`),
      ],
    ),
  );
  if (ownPlace) {
    if (nodeName) problems.push(...named(`${path}.nodeName`, nodeName, dns1123Subdomain));
    if (nodeName === '') problems.push(invalidValue(`${path}.nodeName`, nodeName, 'must not be empty'));
    if (nodeSelector) problems.push(...nodeSelectorProblems(nodeSelector, `${path}.nodeSelector`));
    if (allNodes === false) problems.push(invalidValue(`${path}.allNodes`, allNodes, UNSET_OR_TRUE));
    problems.push(...oneSet(path, { nodeName, nodeSelector, allNodes }, ONE_DEVICE_PLACE));
  } else if (nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined) {
    const why =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    problems.push(invalidValue(path, undefined, why));
  }
  return problems;
}

function attributeProblems(attribute: DeviceAttribute, path: string): FieldProblem[] {
  const values = Object.values(attribute).filter((value) => value !== undefined && value !== null);
  const problems: FieldProblem[] = [];
  const { string, version } = attribute;
  if (string !== undefined && string.length > TEXT_MAX) problems.push(tooLong(`${path}.string`, TEXT_MAX));
  if (version !== undefined) {
    const why = 'must be a string compatible with semver.org spec 2.0.0';
    if (!SEMVER.test(version)) problems.push(invalidValue(`${path}.version`, version, why));
    if (version.length > TEXT_MAX) problems.push(tooLong(`${path}.version`, TEXT_MAX));
  }
  if (values.length !== 1) {
    problems.push(invalidValue(path, values.length === 0 ? '' : attribute, 'exactly one value must be specified'));
  }
  return problems;
}

function countersProblems(counters: Readonly<Record<string, unknown>> | undefined, path: string): FieldProblem[] {
  const names = Object.keys(counters ?? {});
  if (names.length === 0) return [required(path)];
  return list(names, path, COUNTERS_MAX, (name) => named(path, name, dns1123Label));
}

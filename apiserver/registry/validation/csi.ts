// Storage drivers: what the cluster is told of one, which of them a node has, and how much room there is.
import { dns1123Subdomain, qualifiedName } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import {
  type CSIDriver,
  type CSINode,
  CSINodeDriver,
  type CSIStorageCapacity,
} from '../../../api/types/storage/csi.ts';
import { unchangedInGo } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { duplicate, invalidValue, required } from './problems.ts';
import { each, NON_NEGATIVE, named, notNegative, oneOf, unchanged } from './values.ts';
import { driverNameProblems } from './volume-sources.ts';

const LIFECYCLES = ['Persistent', 'Ephemeral'];
const FS_GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];
const TOKEN_MIN_SECONDS = 600;
const TOKEN_MAX_SECONDS = 2 ** 32;
const PERIOD_MIN_SECONDS = 10;
/** As upstream spells its path. */
const ATTACH = 'spec.attachedRequired';

export function driverProblems({ spec }: CSIDriver): FieldProblem[] {
  const { tokenRequests, volumeLifecycleModes, nodeAllocatableUpdatePeriodSeconds: period } = spec;
  const problems: FieldProblem[] = [];
  if (spec.attachRequired === undefined) problems.push(required(ATTACH));
  for (const field of ['podInfoOnMount', 'storageCapacity'] as const) {
    if (spec[field] === undefined) problems.push(required(`spec.${field}`));
  }
  problems.push(...oneOf('spec.fsGroupPolicy', spec.fsGroupPolicy, FS_GROUP_POLICIES));
  const audiences = new Set<string>();
  problems.push(
    ...each(tokenRequests, 'spec.tokenRequests', ({ audience = '', expirationSeconds: seconds }, at) => {
      if (audiences.has(audience)) return [duplicate(`${at}.audience`, audience)];
      audiences.add(audience);
      if (seconds === undefined || (seconds >= TOKEN_MIN_SECONDS && seconds <= TOKEN_MAX_SECONDS)) return [];
      const why = seconds < TOKEN_MIN_SECONDS ? 'less than 10 minutes' : 'larger than 2^32 seconds';
      return [invalidValue(`${at}.expirationSeconds`, seconds, `may not specify a duration ${why}`)];
    }),
    // Upstream names the list, not the place in it.
    ...(volumeLifecycleModes ?? []).flatMap((mode) => oneOf('spec.volumeLifecycleModes', mode, LIFECYCLES)),
  );
  if (period !== undefined && period < PERIOD_MIN_SECONDS) {
    const why = `must be greater than or equal to ${PERIOD_MIN_SECONDS} seconds`;
    problems.push(invalidValue('spec.nodeAllocatableUpdatePeriodSeconds', period, why));
  }
  if (spec.serviceAccountTokenInSecrets !== undefined && !tokenRequests?.length) {
    const why = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
    problems.push(invalidValue('spec.serviceAccountTokenInSecrets', spec.serviceAccountTokenInSecrets, why));
  }
  return problems;
}

export function driverUpdateProblems(next: CSIDriver, current: CSIDriver): FieldProblem[] {
  return [
    ...driverProblems(next),
    ...unchanged(ATTACH, next.spec.attachRequired, current.spec.attachRequired),
    ...unchanged('spec.volumeLifecycleModes', next.spec.volumeLifecycleModes, current.spec.volumeLifecycleModes),
  ];
}

const NODE_ID_MAX = 256;

export function nodeDriversProblems({ spec }: CSINode): FieldProblem[] {
  const names = new Set<string>();
  return each(spec.drivers ?? [], 'spec.drivers', ({ name, nodeID, topologyKeys, allocatable }, at) => {
    const problems = driverNameProblems(`${at}.name`, name);
    if (!nodeID) problems.push(required(`${at}.nodeID`));
    if ((nodeID?.length ?? 0) > NODE_ID_MAX) {
      problems.push(invalidValue(`${at}.nodeID`, nodeID, `must be ${NODE_ID_MAX} characters or less`));
    }
    problems.push(...notNegative(`${at}.allocatable.count`, allocatable?.count));
    if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    names.add(name);
    const keys = new Set<string>();
    for (const key of topologyKeys ?? []) {
      if (key === '') problems.push(required(at));
      if (keys.has(key)) problems.push(duplicate(at, key));
      keys.add(key);
      problems.push(...named(at, key, qualifiedName));
    }
    return problems;
  });
}

/** Of a driver that is there only what it can still take changes. */
export function nodeDriversUpdateProblems(next: CSINode, current: CSINode): FieldProblem[] {
  const fixed = ({ allocatable: _count, ...driver }: NonNullable<CSINode['spec']['drivers']>[number]) => driver;
  const now = new Map((next.spec.drivers ?? []).map((driver) => [driver.name, fixed(driver)]));
  return [
    ...nodeDriversProblems(next),
    ...(current.spec.drivers ?? []).flatMap((driver) => {
      const same = now.get(driver.name);
      return same === undefined ? [] : unchangedInGo(CSINodeDriver, 'spec.drivers', same, fixed(driver));
    }),
  ];
}

export function capacityProblems({ storageClassName, nodeTopology, capacity }: CSIStorageCapacity): FieldProblem[] {
  const problems = labelSelectorProblems(nodeTopology, 'nodeTopology');
  problems.push(...named('storageClassName', storageClassName, dns1123Subdomain));
  if (capacity !== undefined && compareQuantities(capacity, '0') < 0) {
    problems.push(invalidValue('capacity', capacity, NON_NEGATIVE));
  }
  return problems;
}

export function capacityUpdateProblems(next: CSIStorageCapacity, current: CSIStorageCapacity): FieldProblem[] {
  return [
    ...unchanged('nodeTopology', next.nodeTopology, current.nodeTopology),
    ...unchanged('storageClassName', next.storageClassName, current.storageClassName),
  ];
}

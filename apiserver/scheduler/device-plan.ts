// Which devices of a node a pod's claims get: a search over requests, their alternatives and the devices that could
// meet them, under the constraints of the claim. Pure, and bounded: a claim may be a puzzle.
import { type TaintLike, tolerates } from '../../api/tolerations.ts';
import type { DeviceClass } from '../../api/types/resource/device-class.ts';
import type { DeviceConstraint, DeviceRequest } from '../../api/types/resource/device-request.ts';
import type { AllocationResult, ResourceClaim } from '../../api/types/resource/resource-claim.ts';
import { attributeOf, idOf, type Pool, type PooledDevice } from './device-pools.ts';

/** Whether a device is what an expression asks for; throws what is wrong with the expression. */
export type DeviceSelector = (expression: string, device: PooledDevice) => boolean;

export interface DeviceWorld {
  readonly pools: readonly Pool[];
  readonly taken: ReadonlySet<string>;
  readonly classes: ReadonlyMap<string, DeviceClass>;
  readonly selects: DeviceSelector;
}

export interface Allotment {
  readonly claim: ResourceClaim;
  readonly allocation: AllocationResult;
}

const STEPS_MAX = 20_000;
const TOO_HARD = 'cannot allocate all claims: too many combinations of devices';

type Exact = Omit<NonNullable<DeviceRequest['exactly']>, 'adminAccess'> & { readonly adminAccess?: boolean };

/** A request, or one of its alternatives, as it is named in results. */
interface Ask {
  readonly name: string;
  readonly request: string;
  readonly exact: Exact;
}

interface Choice {
  readonly claim: ResourceClaim;
  readonly ask: Ask;
  readonly device: PooledDevice;
}

/** Undefined: this node has no devices for all of them. */
export function planDevices(claims: readonly ResourceClaim[], world: DeviceWorld): Allotment[] | undefined {
  const wishes = claims.flatMap((claim) =>
    (claim.spec.devices?.requests ?? []).map((request) => ({ claim, asks: asksOf(request) })),
  );
  const chosen: Choice[] = [];
  const used = new Set(world.taken);
  let steps = 0;

  const nextWish = (at: number): boolean => {
    const wish = wishes[at];
    if (wish === undefined) return true;
    return wish.asks.some((ask) => {
      const fitting = fittingDevices(ask.exact, world);
      if (fitting === undefined) return false;
      const all = ask.exact.allocationMode === 'All';
      if (all && fitting.length === 0) return false;
      const count = all ? fitting.length : Number(ask.exact.count ?? 1);
      return pick(wish.claim, ask, fitting, 0, count, () => nextWish(at + 1));
    });
  };
  const pick = (
    claim: ResourceClaim,
    ask: Ask,
    from: readonly PooledDevice[],
    start: number,
    count: number,
    then: () => boolean,
  ): boolean => {
    if (count === 0) return then();
    const shared = ask.exact.adminAccess === true;
    for (let i = start; from.length - i >= count; i++) {
      if (++steps > STEPS_MAX) throw new Error(TOO_HARD);
      const device = from[i]!;
      const id = idOf({ ...device, device: device.device.name });
      if (!shared && used.has(id)) continue;
      const choice = { claim, ask, device };
      if (!agrees(choice, chosen)) continue;
      chosen.push(choice);
      if (!shared) used.add(id);
      if (pick(claim, ask, from, i + 1, count - 1, then)) return true;
      chosen.pop();
      if (!shared) used.delete(id);
    }
    return false;
  };
  if (!nextWish(0)) return undefined;
  return claims.map((claim) => ({ claim, allocation: allocationOf(claim, chosen, world) }));
}

function asksOf({ name, exactly, firstAvailable = [] }: DeviceRequest): Ask[] {
  if (exactly !== undefined) return [{ name, request: name, exact: exactly }];
  return firstAvailable.map((each) => ({ name: `${name}/${each.name}`, request: name, exact: each }));
}

/** Undefined: what there is cannot be told, or all of it is wanted and some is not to be had. */
function fittingDevices(exact: Exact, { pools, taken, classes, selects }: DeviceWorld): PooledDevice[] | undefined {
  const sort = classes.get(exact.deviceClassName);
  if (sort === undefined) return undefined;
  const expressions = [...(sort.spec.selectors ?? []), ...(exact.selectors ?? [])].flatMap(
    ({ cel }) => cel?.expression ?? [],
  );
  const all = exact.allocationMode === 'All';
  if (all && pools.some(({ incomplete }) => incomplete)) return undefined;
  const fitting = pools
    .filter(({ incomplete }) => !incomplete)
    .flatMap(({ devices }) => devices)
    .filter((device) => isPlain(device) && expressions.every((expression) => selects(expression, device)))
    .filter(({ device }) => (device.taints ?? []).every((taint) => isTolerated(taint, exact)));
  const free = exact.adminAccess
    ? fitting
    : fitting.filter((each) => !taken.has(idOf({ ...each, device: each.device.name })));
  return all && free.length < fitting.length ? undefined : free;
}

/** Devices that share what they are made of, are shared, or are bound in steps, are not handed out here. */
function isPlain({ device }: PooledDevice): boolean {
  const { consumesCounters = [], allowMultipleAllocations, bindingConditions = [] } = device;
  return consumesCounters.length === 0 && allowMultipleAllocations !== true && bindingConditions.length === 0;
}

function isTolerated(
  { key, value = '', effect }: { key: string; value?: string; effect: string },
  { tolerations = [] }: Exact,
) {
  if (effect === 'None') return true;
  const taint: TaintLike = { key, value, effect };
  return tolerations.some((each) => tolerates(each, taint));
}

/** With all constraints of its claim, beside what is chosen already. */
function agrees(choice: Choice, chosen: readonly Choice[]): boolean {
  const { claim, ask, device } = choice;
  return (claim.spec.devices?.constraints ?? []).every((constraint) => {
    if (!concerns(constraint, ask)) return true;
    const name = constraint.matchAttribute ?? constraint.distinctAttribute ?? '';
    const value = comparable(device, name);
    if (value === undefined) return false;
    const others = chosen.filter((each) => each.claim === claim && concerns(constraint, each.ask));
    const values = others.map((each) => comparable(each.device, name));
    return constraint.matchAttribute === undefined ? !values.includes(value) : values.every((each) => each === value);
  });
}

function concerns({ requests = [] }: DeviceConstraint, { name, request }: Ask): boolean {
  return requests.length === 0 || requests.includes(name) || requests.includes(request);
}

/** Comparable: the sort of value counts as well. */
function comparable(device: PooledDevice, name: string): string | undefined {
  const attribute = attributeOf(device, name);
  return attribute && JSON.stringify(Object.entries(attribute).filter(([, value]) => value !== undefined));
}

function allocationOf(claim: ResourceClaim, chosen: readonly Choice[], { classes }: DeviceWorld): AllocationResult {
  const mine = chosen.filter((each) => each.claim === claim);
  const results = mine.map(({ ask, device }) => ({
    ...{ request: ask.name, driver: device.driver, pool: device.pool, device: device.device.name },
    ...(ask.exact.adminAccess && { adminAccess: true }),
    ...(ask.exact.tolerations?.length && { tolerations: ask.exact.tolerations }),
  }));
  const asks = new Map(mine.map(({ ask }) => [ask.name, ask]));
  const config = [
    ...[...asks.values()].flatMap(({ name, exact }) =>
      (classes.get(exact.deviceClassName)?.spec.config ?? []).map((each) => ({
        source: 'FromClass',
        requests: [name],
        ...each,
      })),
    ),
    ...(claim.spec.devices?.config ?? [])
      .filter(
        ({ requests = [] }) => requests.length === 0 || [...asks.values()].some((ask) => concerns({ requests }, ask)),
      )
      .map((each) => ({ source: 'FromClaim', ...each })),
  ];
  const terms = mine.flatMap(({ device }) => device.nodeSelector?.nodeSelectorTerms?.[0] ?? []);
  const nodeSelector = terms.length > 0 && {
    nodeSelectorTerms: [
      {
        ...mergedRequirements('matchExpressions', terms),
        ...mergedRequirements('matchFields', terms),
      },
    ],
  };
  return {
    devices: { results, ...(config.length > 0 && { config }) },
    ...(nodeSelector && { nodeSelector }),
  } as AllocationResult;
}

type Term = NonNullable<NonNullable<AllocationResult['nodeSelector']>['nodeSelectorTerms']>[number];

/** All devices must be reachable: what each asks of the node, once. */
function mergedRequirements(field: 'matchExpressions' | 'matchFields', terms: readonly Term[]) {
  const all = new Map(terms.flatMap((term) => term[field] ?? []).map((each) => [JSON.stringify(each), each]));
  return all.size > 0 && { [field]: [...all.values()] };
}

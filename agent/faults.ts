// Where a test ends this process as kill -9 would: before, during or after the nth time of a step in the life of pods.
// The composition root wraps what the pods' workers are handed; without a fault nothing is wrapped, so that the code
// itself knows of no faults and production pays nothing.
import type { Clock } from '../api/clock.ts';

/** Every step that changes something outside this process, by who takes it. */
export const FAULT_STEPS = {
  volumes: ['setUp', 'mounts', 'tearDown'],
  cgroups: ['ensure', 'remove'],
  runtime: [
    ...['runSandbox', 'createContainer', 'startContainer', 'execSync'],
    ...['stopContainer', 'removeContainer', 'stopSandbox', 'removeSandbox'],
  ],
  network: ['podUp', 'podDown'],
  checkpoints: ['save', 'remove'],
  client: ['patch', 'delete'],
  keptLogs: ['keep', 'keepAll'],
} as const satisfies Record<string, readonly string[]>;
/** Those of pods with volumes of storage drivers. */
export const STORAGE_FAULT_STEPS = {
  driver: ['stage', 'publish', 'unpublish', 'unstage'],
  layout: ['noteUse', 'noteStaged', 'forgetUse', 'forgetStaged'],
} as const satisfies Record<string, readonly string[]>;
const ALL_STEPS = { ...FAULT_STEPS, ...STORAGE_FAULT_STEPS };
export type FaultPart = keyof typeof FAULT_STEPS;
export type AnyFaultPart = keyof typeof ALL_STEPS;

export interface FaultPoint {
  readonly when: 'before' | 'during' | 'after';
  readonly part: AnyFaultPart;
  readonly step: string;
  readonly nth: number;
  /** How far into the step, for `during`. */
  readonly delayMs: number;
}

/** `after-runtime.runSandbox:1`, `during-runtime.runSandbox:2+40`. */
export function parseFaultPoint(text: string): FaultPoint | undefined {
  const match = /^(before|during|after)-(\w+)\.(\w+):(\d+)(?:\+(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, when, part = '', step = '', nth, delayMs = '0'] = match;
  const steps: readonly string[] = Object.hasOwn(ALL_STEPS, part) ? ALL_STEPS[part as AnyFaultPart] : [];
  if (!steps.includes(step)) return undefined;
  return {
    when: when as FaultPoint['when'],
    part: part as AnyFaultPart,
    step,
    nth: Number(nth),
    delayMs: Number(delayMs),
  };
}

/** Puts the fault around a part: `end` is called when the point is reached and does not come back. */
export type Faults = <T extends object>(part: AnyFaultPart, target: T) => T;

export const NO_FAULTS: Faults = (_part, target) => target;

export function faultsAt(point: FaultPoint, clock: Clock, end: () => void): Faults {
  let times = 0;
  const wrapped =
    (method: (...args: unknown[]) => unknown) =>
    (...args: unknown[]): unknown => {
      if (++times !== point.nth) return method(...args);
      if (point.when === 'before') end();
      if (point.when === 'during') clock.after(point.delayMs, end);
      const answer = method(...args);
      if (point.when !== 'after') return answer;
      return Promise.resolve(answer).finally(end);
    };
  return (part, target) => {
    if (part !== point.part) return target;
    return new Proxy(target, {
      get(of, key) {
        const value: unknown = Reflect.get(of, key, of);
        if (typeof value !== 'function') return value;
        const method = value.bind(of) as (...args: unknown[]) => unknown;
        return key === point.step ? wrapped(method) : method;
      },
    });
  };
}

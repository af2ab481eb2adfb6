// When a node counts as short of something: `memory.available<100Mi`, `nodefs.available<10%`. Pure.
import { quantityValue } from '../../../api/quantity.ts';

export const SIGNALS = [
  'memory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'pid.available',
] as const;
export type Signal = (typeof SIGNALS)[number];

/** Either as a part of the whole or in units. */
export type Amount = { readonly percent: number } | { readonly value: number };

export interface Threshold {
  readonly signal: Signal;
  readonly amount: Amount;
  /** 0: acted upon at once. */
  readonly graceMs: number;
  /** How much more than the threshold must be free before all is well again. */
  readonly reclaim?: Amount;
}

export interface EvictionSettings {
  readonly thresholds: readonly Threshold[];
  /** The longest a pod evicted by a soft threshold gets for its end. */
  readonly maxPodGraceSeconds: number;
  /** How long a condition stays after it was seen last, so that it does not flap. */
  readonly transitionMs: number;
}

export const DEFAULT_HARD = [
  'memory.available<100Mi',
  'nodefs.available<10%',
  'nodefs.inodesFree<5%',
  'imagefs.available<15%',
  'imagefs.inodesFree<5%',
] as const;

/** What a signal is about, as messages and pods name it. */
export const RESOURCE: Readonly<Record<Signal, string>> = {
  'memory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
  'imagefs.available': 'ephemeral-storage',
  'imagefs.inodesFree': 'inodes',
  'pid.available': 'pids',
};

export const CONDITION: Readonly<Record<Signal, string>> = {
  'memory.available': 'MemoryPressure',
  'nodefs.available': 'DiskPressure',
  'nodefs.inodesFree': 'DiskPressure',
  'imagefs.available': 'DiskPressure',
  'imagefs.inodesFree': 'DiskPressure',
  'pid.available': 'PIDPressure',
};

/** `10%` or a quantity; undefined for neither. */
export function parseAmount(text: string): Amount | undefined {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined) return Number(percent) <= 100 ? { percent: Number(percent) } : undefined;
  try {
    const value = quantityValue(text);
    return value >= 0 ? { value } : undefined;
  } catch {
    return undefined; // not a quantity
  }
}

/** `signal<amount`, as in `memory.available<100Mi`. */
export function parseThreshold(text: string): Threshold | undefined {
  const [signal = '', amount = '', more] = text.split('<');
  const parsed = parseAmount(amount);
  if (!isSignal(signal) || parsed === undefined || more !== undefined) return undefined;
  return { signal, amount: parsed, graceMs: 0 };
}

export function isSignal(text: string): text is Signal {
  return SIGNALS.some((signal) => signal === text);
}

export function inUnits(amount: Amount, capacity: number): number {
  return 'value' in amount ? amount.value : Math.floor((capacity * amount.percent) / 100);
}

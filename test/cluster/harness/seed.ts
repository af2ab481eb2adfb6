// Chance that can be repeated: tests name the seed they drew, and SKIFF_SEED makes them draw the same again.
import { randomInt } from 'node:crypto';

export function seedOf(text = process.env['SKIFF_SEED']): number {
  return text === undefined ? randomInt(2 ** 31) : Number(text);
}

/** Numbers from 0 up to the bound (mulberry32). */
export function chanceOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

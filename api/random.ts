// Chance as a value that main.ts hands down, so that a simulated run can be repeated from its seed.

export interface Random {
  /** A version 4 UUID. */
  uuid(): string;
  /** In [0, 1). */
  float(): number;
  bytes(length: number): Buffer;
}

const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** A suffix as generateName and controllers append it: no vowels, so that no word appears by chance. */
export function nameSuffix(random: Random, length = 5): string {
  return Array.from({ length }, () => LETTERS[Math.floor(random.float() * LETTERS.length)]).join('');
}

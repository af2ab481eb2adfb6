// The short name of a stateful set's revision. It is the one that clusters of old gave the same template, so that
// a set that moves here keeps its revision and its pods.
import type { PodTemplateSpec } from '../../api/types/core/pod.ts';
import { templateData } from './revisions.ts';

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export function revisionHash(template: PodTemplateSpec, collisionCount: number): string {
  const sum = fnv1(Buffer.from(`${sortedJson(templateData(template))}${collisionCount}`));
  return Array.from(String(sum), (digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('');
}

/** FNV-1, 32 bits: multiplies first. */
function fnv1(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash, 0x01000193) ^ byte;
  return hash >>> 0;
}

/** JSON with sorted keys, and with the characters escaped that are special in HTML. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return escaped(JSON.stringify(value) ?? 'null');
  const entries = Object.entries(value)
    .filter(([, entry]) => entry !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${escaped(JSON.stringify(key))}:${sortedJson(entry)}`).join(',')}}`;
}

function escaped(text: string): string {
  return text.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// A short name for a pod template: the same template gives the same name, and a counter gets out of a collision.

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export function templateHash(template: unknown, collisionCount: number | undefined): string {
  let hash = fnv1a(canonical(template));
  if (collisionCount !== undefined) hash = fnv1a(`${hash}/${collisionCount}`);
  return Array.from(String(hash), (digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('');
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`).join(',')}}`;
}

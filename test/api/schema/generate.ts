// Values made up from a definition: what a client might send, in canonical form or not.
import { formatDuration } from '../../../api/schema/go-duration.ts';
import { formatMicroTime, formatTime } from '../../../api/schema/go-time.ts';
import { resolve, type ScalarSchema, type Schema } from '../../../api/schema/schema.ts';

/** The same seed gives the same value. */
export function generate(schema: Schema, seed: number): unknown {
  let state = seed >>> 0;
  const next = (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
  return make(schema, next, 0);
}

type Next = (below: number) => number;

function make(schema: Schema, next: Next, depth: number): unknown {
  const target = resolve(schema);
  switch (target.kind) {
    case 'object': {
      const out: Record<string, unknown> = {};
      for (const [key, field] of Object.entries(target.fields)) {
        // Fewer the deeper, or no value would ever end.
        if (key === 'apiVersion' || key === 'kind' || next(2 + depth) > 0) continue;
        out[key] = make(field.schema, next, depth + 1);
      }
      return out;
    }
    case 'list':
      return Array.from({ length: next(3) }, () => make(target.items, next, depth + 1));
    case 'map': {
      const keys = ['a', 'b/c', '__proto__', 'é', '1'];
      return Object.fromEntries(keys.slice(0, next(4)).map((key) => [key, make(target.values, next, depth + 1)]));
    }
    default:
      return scalar(target, next);
  }
}

const WORDS = ['', 'a', 'Deployment', 'ünï', 'x'.repeat(200), '{"json":1}', '\u0000'];

function scalar(schema: ScalarSchema, next: Next): unknown {
  switch (schema.kind) {
    case 'string':
      return WORDS[next(WORDS.length)];
    case 'boolean':
      return next(2) === 1;
    case 'int32':
      return [0, 1, -1, 127, 128, 2147483647, -2147483648][next(7)];
    case 'int64':
      return [0, -1, 300, 9007199254740991, -9007199254740991][next(5)];
    case 'double':
      return [0, 1.5, -2.25, 1e300][next(4)];
    case 'bytes':
      return Buffer.from(WORDS[next(WORDS.length)]!).toString('base64');
    case 'quantity':
      return ['0', '100m', '1', '1Gi', '1500Mi', '2e3', '1000m', 5][next(8)];
    case 'intOrString':
      return [0, 80, 'http', '25%', ''][next(5)];
    case 'time':
      return formatTime(next(2_000_000_000) - 100_000_000) ?? null;
    case 'microTime':
      return formatMicroTime(next(2_000_000_000), next(1_000_000) * 1000) ?? null;
    case 'duration':
      return formatDuration(BigInt(next(2 ** 31)) * 1_000_003n);
    case 'any':
      return anything(schema.ref ?? '', next);
    default:
      return schema.kind satisfies never;
  }
}

function anything(ref: string, next: Next): unknown {
  if (ref.endsWith('OrBool')) return [true, false, { type: 'string' }][next(3)];
  if (ref.endsWith('OrStringArray')) return [['a', 'b'], { type: 'string' }][next(2)];
  if (ref.endsWith('OrArray')) return [[{ type: 'string' }], { type: 'object', items: { nullable: true } }][next(2)];
  if (ref.endsWith('.JSON')) return [1, 'x', true, { a: [null] }, [1, 2]][next(5)];
  return [{ 'f:a': { '.': {} } }, { apiVersion: 'v1', kind: 'X', n: 0 }][next(2)];
}

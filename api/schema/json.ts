// Reading JSON bodies as upstream reads them: duplicate keys are noticed, integers beyond 2^53 keep their digits,
// `__proto__` is data, nesting is bounded and mistakes are reported in the words of Go's encoding/json.
// The engine's own parser does the work; text that could differ is read again, slowly, by json-slow.ts.
import { parseSlowly } from './json-slow.ts';
import { MAX_DEPTH, type Parsed, SyntaxProblem, TOO_DEEP } from './json-value.ts';

export function parseJson(body: Buffer | string): Parsed {
  const text = typeof body === 'string' ? body : body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return parseSlowly(typeof body === 'string' ? Buffer.from(body) : body);
  }
  const { keys, deepest, odd } = survey(text);
  if (deepest > MAX_DEPTH) throw new SyntaxProblem(TOO_DEEP);
  if (odd || keys !== countKeys(value)) return parseSlowly(typeof body === 'string' ? Buffer.from(body) : body);
  return { value, duplicates: NONE };
}
const NONE: readonly string[] = [];

/** What plain JSON says: undefined where it is none, or says something twice or in numbers that need a closer look. */
export function parsePlainJson(text: string): { readonly value: unknown } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { keys, deepest, odd } = survey(text);
  return deepest > MAX_DEPTH || odd || keys !== countKeys(value) ? undefined : { value };
}

const QUOTE = 34;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Of valid JSON: how many keys it writes, how deep it nests, and whether a number needs a closer look. */
function survey(text: string): { keys: number; deepest: number; odd: boolean } {
  let keys = 0;
  let depth = 0;
  let deepest = 0;
  let odd = false;
  const end = text.length;
  let at = 0;
  while (at < end) {
    const c = text.charCodeAt(at++);
    if (c === QUOTE) {
      for (let d = text.charCodeAt(at++); d !== QUOTE; d = text.charCodeAt(at++)) if (d === BACKSLASH) at++;
    } else if (c === COLON) keys++;
    else if (c === OPEN_OBJECT || c === OPEN_LIST) {
      if (++depth > deepest) deepest = depth;
    } else if (c === CLOSE_OBJECT || c === CLOSE_LIST) depth--;
    else if (c === MINUS || (c >= ZERO && c <= NINE)) {
      const start = at;
      for (let d = text.charCodeAt(at); (d >= ZERO && d <= NINE) || (d | 32) === 101 || d === 46; ) {
        // An exponent may overflow a double; fifteen digits never do.
        if ((d | 32) === 101) odd = true;
        d = text.charCodeAt(++at);
      }
      if (at - start >= 15) odd = true;
    }
  }
  return { keys, deepest, odd };
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countKeys(item);
    return count;
  }
  for (const key in value) {
    count++;
    const child = (value as Record<string, unknown>)[key];
    if (typeof child === 'object') count += countKeys(child);
  }
  return count;
}

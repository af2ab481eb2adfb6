// Label and field selectors of lists and watches: text to requirements, requirements against what the cache projects.
import { badRequest } from '../../api/status.ts';
import type { Projection } from '../cache/contract.ts';

export interface Selector {
  /** Nothing is asked: everything matches. */
  readonly empty: boolean;
  matches(projection: Projection): boolean;
  /** The first `field = value`, for the watch index; metadata.namespace is answered by `namespace`. */
  readonly indexed?: { readonly path: string; readonly value: string };
  readonly namespace?: string;
}

interface Requirement {
  readonly key: string;
  readonly operator: '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<';
  readonly values: readonly string[];
}

/** `selectable`: paths beyond metadata.name and metadata.namespace, where a kind has such. */
export function parseSelectors(labels: string, fields: string, selectable: readonly string[] | undefined): Selector {
  const byLabel = parseLabelSelector(labels);
  const byField = parseFieldSelector(fields, selectable);
  const equal = (path: string) => byField.find(({ key, operator }) => key === path && operator === '=')?.values[0];
  const indexed = byField.find(({ key, operator }) => operator === '=' && key !== 'metadata.namespace');
  return {
    empty: byLabel.length === 0 && byField.length === 0,
    ...(indexed && { indexed: { path: indexed.key, value: indexed.values[0]! } }),
    namespace: equal('metadata.namespace'),
    matches: (projection) =>
      byLabel.every((requirement) => holds(requirement, projection.labels?.[requirement.key])) &&
      byField.every((requirement) => holds(requirement, projection.fields[requirement.key] ?? '')),
  };
}

function holds({ operator, values }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '=':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case '>':
    case '<': {
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      const [a, b] = [BigInt(value), BigInt(values[0]!)];
      return operator === '>' ? a > b : a < b;
    }
  }
}

// ------------------------------------------------------------------ fields: path=value,path!=value, \ escapes

const ALWAYS = ['metadata.name', 'metadata.namespace'];

function parseFieldSelector(text: string, selectable: readonly string[] | undefined): Requirement[] {
  const terms = splitUnescaped(text).filter((term) => term !== '');
  return terms.map((term) => {
    const found = /^((?:[^=!\\]|\\.)*?)(==|!=|=)(.*)$/s.exec(term);
    if (found === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, key, operator, value] = found as unknown as [string, string, string, string];
    if (!ALWAYS.includes(key) && !selectable?.includes(key)) throw badRequest(unknownField(key, selectable));
    return { key, operator: operator === '!=' ? '!=' : '=', values: [unescaped(value, text)] };
  });
}

/** Kinds with selectable fields of their own say it in other words than kinds without. */
function unknownField(key: string, selectable: readonly string[] | undefined): string {
  if (selectable !== undefined) return `field label not supported: ${key}`;
  return `"${key}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

function splitUnescaped(text: string): string[] {
  return text.match(/(?:[^,\\]|\\.|\\$)+/gs) ?? [];
}

function unescaped(value: string, whole: string): string {
  return value.replace(/\\(.?)|([=,])/gs, (all, escaped: string | undefined, bare: string | undefined) => {
    if (bare !== undefined || !['\\', ',', '='].includes(escaped ?? '')) {
      throw badRequest(`invalid selector: '${whole}'; can't understand '${bare ?? all}'`);
    }
    return escaped!;
  });
}

// ------------------------------------------------------------------ labels: a=b, a!=b, a in (b,c), a, !a, a>1

const TOKEN = /\s*(==|!=|=|!|,|\(|\)|>|<|[^\s=!,()<>]+)/y;

function tokens(text: string): string[] {
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) found.push(match[1]!);
  return found;
}

const SYMBOLS = new Set(['==', '!=', '=', '!', ',', '(', ')', '>', '<']);
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const DNS = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function fail(why: string): never {
  throw badRequest(`unable to parse requirement: ${why}`);
}

export function parseLabelSelector(text: string): Requirement[] {
  const rest = tokens(text);
  const requirements: Requirement[] = [];
  if (rest.length === 0) return requirements;
  for (;;) {
    requirements.push(requirement(rest));
    const next = rest.shift();
    if (next === undefined) return requirements;
    if (next !== ',') fail(`found '${next}', expected: ',' or 'end of string'`);
    if (rest.length === 0) fail(`found '', expected: identifier after ','`);
  }
}

function requirement(rest: string[]): Requirement {
  const negated = rest[0] === '!';
  if (negated) rest.shift();
  const key = rest.shift() ?? '';
  if (key === '' || SYMBOLS.has(key)) fail(`found '${key}', expected: !, identifier, or 'end of string'`);
  checkKey(key);
  if (negated) return { key, operator: '!', values: [] };
  const operator = rest[0];
  if (operator === undefined || operator === ',') return { key, operator: 'exists', values: [] };
  rest.shift();
  switch (operator) {
    case '=':
    case '==':
      return { key, operator: '=', values: [checkValue(key, value(rest))] };
    case '!=':
      return { key, operator: '!=', values: [checkValue(key, value(rest))] };
    case '>':
    case '<': {
      const bound = value(rest);
      if (!/^-?\d+$/.test(bound)) {
        const quoted = JSON.stringify(bound);
        fail(`values[0][${key}]: Invalid value: ${quoted}: for 'Gt', 'Lt' operators, the value must be an integer`);
      }
      return { key, operator, values: [bound] };
    }
    case 'in':
    case 'notin':
      return { key, operator, values: values(rest).map((each) => checkValue(key, each)) };
    default:
      return fail(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

function value(rest: string[]): string {
  return rest.length === 0 || SYMBOLS.has(rest[0]!) ? '' : rest.shift()!;
}

function values(rest: string[]): string[] {
  const open = rest.shift() ?? '';
  if (open !== '(') fail(`found '${open}' expected: '('`);
  const found: string[] = [value(rest)];
  for (;;) {
    const next = rest.shift() ?? '';
    if (next === ')') return found;
    if (next !== ',') fail(`found '${next}', expected: ',', or ')'`);
    found.push(value(rest));
  }
}

const NAME_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function checkKey(key: string): void {
  const [name, prefix, ...more] = key.split('/').reverse() as [string, ...string[]];
  const valid = more.length === 0 && NAME.test(name) && name.length <= 63 && (prefix === undefined || DNS.test(prefix));
  if (!valid) fail(`<nil>: Invalid value: ${JSON.stringify(key)}: ${NAME_RULE}`);
}

function checkValue(key: string, text: string): string {
  const at = `values[0][${key}]: Invalid value: ${JSON.stringify(text)}`;
  if (text.length > 63) fail(`${at}: must be no more than 63 bytes`);
  if (text !== '' && !NAME.test(text)) fail(`${at}: ${VALUE_RULE}`);
  return text;
}

// Label selectors, as text (`a=b,c!=d,e in (f,g),!h`) and as objects (matchLabels, matchExpressions), compiled to one
// function each. Errors are the API's: a bad selector is a bad request, in upstream's words.
import { labelValue, qualifiedName } from './names.ts';
import { badRequest } from './status.ts';
import type { LabelSelector } from './types/meta/label-selector.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels | undefined) => boolean;
export type LabelOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

const NONE: Labels = {};
export const matchesEverything: LabelMatcher = () => true;
export const matchesNothing: LabelMatcher = () => false;

export function labelMatcher(requirements: readonly LabelRequirement[]): LabelMatcher {
  const tests = requirements.map(testOf);
  if (tests.length === 0) return matchesEverything;
  if (tests.length === 1) return (labels) => tests[0]!(labels ?? NONE);
  return (labels) => tests.every((test) => test(labels ?? NONE));
}

function testOf({ key, operator, values }: LabelRequirement): (labels: Labels) => boolean {
  const has = (labels: Labels) => Object.hasOwn(labels, key);
  const [first] = values;
  const among = new Set(values);
  switch (operator) {
    case '=':
    case '==':
      return (labels) => has(labels) && labels[key] === first;
    case '!=':
      return (labels) => !has(labels) || labels[key] !== first;
    case 'in':
      return (labels) => has(labels) && among.has(labels[key]!);
    case 'notin':
      return (labels) => !has(labels) || !among.has(labels[key]!);
    case 'exists':
      return has;
    case '!':
      return (labels) => !has(labels);
    case 'gt':
      return (labels) => has(labels) && isInteger(labels[key]!) && BigInt(labels[key]!) > BigInt(first!);
    case 'lt':
      return (labels) => has(labels) && isInteger(labels[key]!) && BigInt(labels[key]!) < BigInt(first!);
  }
}

const isInteger = (text: string) => /^-?\d{1,19}$/.test(text);

/** Throws 400 BadRequest. The empty text selects everything. */
export function parseLabelSelector(text: string): LabelRequirement[] {
  return new SelectorParser(text).parse();
}

export function labelMatcherOf(text: string): LabelMatcher {
  return labelMatcher(parseLabelSelector(text));
}

const OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

export function requirementsOf(selector: LabelSelector): LabelRequirement[] {
  const equal = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): LabelRequirement => ({ key, operator: '=', values: [value] }),
  );
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }): LabelRequirement => {
    const known = OPERATORS[operator];
    if (known === undefined) throw badRequest(`"${operator}" is not a valid label selector operator`);
    return { key, operator: known, values };
  });
  return [...equal, ...expressions].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** No selector selects nothing, an empty one everything. Throws on an operator that does not exist. */
export function selectorMatcher(selector: LabelSelector | undefined): LabelMatcher {
  return selector === undefined ? matchesNothing : labelMatcher(requirementsOf(selector));
}

/** A plain map of labels, as services and replication controllers have it; an empty one selects nothing. */
export function labelMapMatcher(labels: Labels | undefined): LabelMatcher {
  const entries = Object.entries(labels ?? {});
  if (entries.length === 0) return matchesNothing;
  return labelMatcher(entries.map(([key, value]) => ({ key, operator: '=', values: [value] })));
}

/** As upstream writes a selector, e.g. in the status of a Scale. */
export function selectorText(requirements: readonly LabelRequirement[]): string {
  return requirements.map(requirementText).join(',');
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`;
    case 'gt':
      return `${key}>${values[0]}`;
    case 'lt':
      return `${key}<${values[0]}`;
    default:
      return `${key}${operator}${values[0]}`;
  }
}

interface Token {
  readonly type: 'word' | 'end' | 'error' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'in' | 'notin';
  readonly text: string;
}
const SYMBOLS: ReadonlySet<string> = new Set(['(', ')', ',', '!', '=', '==', '!=', '>', '<']);
const SPACE = /[ \t\r\n]/;
const SPECIAL = /[=!(),><]/;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (SPACE.test(text[at]!)) {
      at++;
    } else if (SPECIAL.test(text[at]!)) {
      const two = text.slice(at, at + 2);
      const symbol = two.length === 2 && SYMBOLS.has(two) ? two : text[at]!;
      tokens.push({ type: symbol as Token['type'], text: symbol });
      at += symbol.length;
    } else {
      const start = at;
      while (at < text.length && !SPACE.test(text[at]!) && !SPECIAL.test(text[at]!)) at++;
      const word = text.slice(start, at);
      tokens.push({ type: word === 'in' || word === 'notin' ? word : 'word', text: word });
    }
  }
  tokens.push({ type: 'end', text: '' });
  return tokens;
}

const COMPARISONS: Readonly<Partial<Record<Token['type'], LabelOperator>>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

class SelectorParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  /** Where a name or value may stand, `in` and `notin` are ordinary words. */
  #peek(): Token {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
    return token.type === 'in' || token.type === 'notin' ? { type: 'word', text: token.text } : token;
  }
  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const start = this.#peek();
      if (start.type === 'end') return sorted(requirements);
      if (start.type !== 'word' && start.type !== '!') {
        throw badRequest(`found '${start.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirement());
      const after = this.#next();
      if (after.type === 'end') return sorted(requirements);
      if (after.type !== ',') throw badRequest(`found '${after.text}', expected: ',' or 'end of string'`);
      const { type, text } = this.#peek();
      if (type !== 'word' && type !== '!') throw badRequest(`found '${text}', expected: identifier after ','`);
    }
  }

  #requirement(): LabelRequirement {
    let token = this.#next();
    const absent = token.type === '!';
    if (absent) token = this.#next();
    if (token.type !== 'word') throw cannotParse(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const wrong = qualifiedName(key);
    if (wrong.length > 0) throw cannotParse(`<nil>: Invalid value: ${JSON.stringify(key)}: ${wrong.join('; ')}`);
    if (absent) return { key, operator: '!', values: [] };
    const { type } = this.#peek();
    if (type === 'end' || type === ',') return { key, operator: 'exists', values: [] };
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#set() : [this.#exactValue()];
    return checked({ key, operator, values });
  }

  #operator(): LabelOperator {
    const token = this.#tokens[this.#at]!;
    this.#at++;
    const operator = COMPARISONS[token.type];
    if (operator === undefined) throw cannotParse(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
    return operator;
  }

  #exactValue(): string {
    const { type } = this.#peek();
    if (type === 'end' || type === ',') return '';
    const token = this.#next();
    if (token.type !== 'word') throw cannotParse(`found '${token.text}', expected: identifier`);
    return token.text;
  }

  /** `(a,b)`; an empty place between commas or parentheses is the empty value. */
  #set(): string[] {
    const open = this.#next();
    if (open.type !== '(') throw cannotParse(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    let needsValue = true;
    for (;;) {
      const token = this.#next();
      if (token.type === 'word' && needsValue) {
        values.add(token.text);
        needsValue = false;
      } else if (token.type === ',' || token.type === ')') {
        if (needsValue) values.add('');
        if (token.type === ')') return [...values];
        needsValue = true;
      } else {
        const expected = values.size === 0 ? "',', ')' or identifier" : "',' or ')'";
        throw cannotParse(`found '${token.text}', expected: ${expected}`);
      }
    }
  }
}

function sorted(requirements: LabelRequirement[]): LabelRequirement[] {
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function checked(requirement: LabelRequirement): LabelRequirement {
  const problems: string[] = [];
  requirement.values.forEach((value, i) => {
    const ordered = requirement.operator === 'gt' || requirement.operator === 'lt';
    if (ordered && !isInteger(value)) {
      const text = "for 'Gt', 'Lt' operators, the value must be an integer";
      problems.push(`values[${i}]: Invalid value: ${JSON.stringify(value)}: ${text}`);
    }
    const wrong = labelValue(value);
    if (wrong.length > 0) {
      const where = `values[${i}][${requirement.key}]`;
      problems.push(`${where}: Invalid value: ${JSON.stringify(value)}: ${wrong.join('; ')}`);
    }
  });
  if (problems.length > 0) throw cannotParse(problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`);
  return requirement;
}

function cannotParse(why: string) {
  return badRequest(`unable to parse requirement: ${why}`);
}

// The JSONPath of printer columns: `.spec.l[*].n`, `.metadata.labels['a.b']`, `.spec.m.k\.x/y`, `..name`,
// `.status.conditions[?(@.type=="Ready")].status`, `[0:2]`, `['a','b']`. Compiled once; finds values, never throws.

type Step = (found: unknown[]) => unknown[];

/** Throws a RangeError that says what does not belong there. */
export function jsonPath(text: string): (object: unknown) => unknown[] {
  const steps = new Reader(text).steps();
  return (object) => steps.reduce((found, step) => step(found), [object]);
}

const WORD = /^(?:\\.|[^.[\]\\()=!<>\s,'"])+/;
const COMPARISON = /^\s*(==|!=|<=|>=|<|>)\s*/;

class Reader {
  #rest: string;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.#rest = text;
  }

  steps(): Step[] {
    const steps: Step[] = [];
    while (this.#rest !== '') steps.push(this.#step());
    return steps;
  }

  #step(): Step {
    if (this.#take('..')) {
      const name = this.#rest.startsWith('[') ? undefined : this.#word();
      return (found) => {
        const below = found.flatMap(everythingIn);
        return name === undefined ? below : below.flatMap((each) => member(each, name));
      };
    }
    if (this.#take('.')) {
      if (this.#rest === '' || this.#rest.startsWith('[')) return (found) => found;
      if (this.#take('*')) return (found) => found.flatMap(children);
      const name = this.#word();
      return (found) => found.flatMap((each) => member(each, name));
    }
    if (this.#take('[')) return this.#bracket();
    throw this.#unexpected();
  }

  #bracket(): Step {
    if (this.#take('*]')) return (found) => found.flatMap(children);
    if (this.#take('?(')) return this.#filter();
    if (/^['"]/.test(this.#rest)) {
      const names = [this.#quoted()];
      while (this.#take(',')) names.push(this.#quoted());
      this.#expect(']');
      return (found) => found.flatMap((each) => names.flatMap((name) => member(each, name)));
    }
    const inside = /^(-?\d*(?::-?\d*)*(?:,-?\d+)*)\]/.exec(this.#rest);
    if (inside === null || inside[1] === '') throw this.#unexpected();
    this.#rest = this.#rest.slice(inside[0].length);
    const picks = inside[1]!.split(',').map(pick);
    return (found) => found.flatMap((each) => (Array.isArray(each) ? picks.flatMap((one) => one(each)) : []));
  }

  /** `@.type=="Ready")]`, or a path alone: it is there. */
  #filter(): Step {
    const left = this.#operand();
    const operator = COMPARISON.exec(this.#rest);
    let right: Operand = () => [];
    if (operator !== null) {
      this.#rest = this.#rest.slice(operator[0].length);
      right = this.#operand();
    }
    this.#rest = this.#rest.trimStart();
    this.#expect(')]');
    const holds = (item: unknown) => {
      const [a] = left(item);
      if (operator === null) return a !== undefined;
      return compare(a, operator[1]!, right(item)[0]);
    };
    return (found) => found.flatMap((each) => (Array.isArray(each) ? each.filter(holds) : []));
  }

  #operand(): Operand {
    this.#rest = this.#rest.trimStart();
    if (this.#take('@')) {
      const steps: Step[] = [];
      while (/^[.[]/.test(this.#rest)) steps.push(this.#step());
      return (item) => steps.reduce((found, step) => step(found), [item]);
    }
    if (/^['"]/.test(this.#rest)) {
      const text = this.#quoted();
      return () => [text];
    }
    const literal = /^(?:true|false|-?\d+(?:\.\d+)?)/.exec(this.#rest);
    if (literal === null) throw this.#unexpected();
    this.#rest = this.#rest.slice(literal[0].length);
    const value: unknown = JSON.parse(literal[0]);
    return () => [value];
  }

  #word(): string {
    const found = WORD.exec(this.#rest);
    if (found === null) throw this.#unexpected();
    this.#rest = this.#rest.slice(found[0].length);
    return found[0].replace(/\\(.)/g, '$1');
  }

  #quoted(): string {
    const found = /^\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")/.exec(this.#rest);
    if (found === null) throw this.#unexpected();
    this.#rest = this.#rest.slice(found[0].length);
    return (found[1] ?? found[2] ?? '').replace(/\\(.)/g, '$1');
  }

  #take(word: string): boolean {
    if (!this.#rest.startsWith(word)) return false;
    this.#rest = this.#rest.slice(word.length);
    return true;
  }

  #expect(word: string): void {
    if (!this.#take(word)) throw this.#unexpected();
  }

  #unexpected(): RangeError {
    const at = this.#text.length - this.#rest.length;
    return new RangeError(this.#rest === '' ? 'unexpected end' : `unexpected ${JSON.stringify(this.#rest)} at ${at}`);
  }
}

type Operand = (item: unknown) => unknown[];

/** An index from either end, or from:to:step. */
function pick(text: string): (list: readonly unknown[]) => unknown[] {
  if (!text.includes(':')) {
    const at = Number(text);
    return (list) => {
      const one = list.at(at);
      return one === undefined ? [] : [one];
    };
  }
  const [from, to, step] = text.split(':').map((part) => (part === '' ? undefined : Number(part)));
  return (list) => list.slice(from, to).filter((_one, i) => i % Math.max(step ?? 1, 1) === 0);
}

function member(of: unknown, name: string): unknown[] {
  if (typeof of !== 'object' || of === null || !Object.hasOwn(of, name)) return [];
  return [(of as Record<string, unknown>)[name]];
}

function children(of: unknown): unknown[] {
  return typeof of === 'object' && of !== null ? Object.values(of) : [];
}

function everythingIn(of: unknown): unknown[] {
  return [of, ...children(of).flatMap(everythingIn)];
}

function compare(a: unknown, operator: string, b: unknown): boolean {
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== undefined && a !== b;
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) return false;
  const [x, y] = [a, b as typeof a];
  if (operator === '<') return x < y;
  if (operator === '<=') return x <= y;
  return operator === '>' ? x > y : x >= y;
}

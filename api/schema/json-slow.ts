// A JSON reader over bytes for what the engine's own cannot tell: which key came twice, the digits of a big number,
// and where a text stops being JSON, in the words of Go's encoding/json.
import { integerFrom, MAX_DEPTH, type Parsed, SyntaxProblem, setOwn, TOO_DEEP } from './json-value.ts';

/** More complaints than this help nobody (upstream's bound). */
const MAX_DUPLICATES = 100;

export function parseSlowly(body: Buffer): Parsed {
  const reader = new Reader(body);
  const value = reader.document();
  return { value, duplicates: [...reader.duplicates] };
}

class Reader {
  readonly duplicates = new Set<string>();
  readonly #body: Buffer;
  #at = 0;
  #depth = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  document(): unknown {
    const value = this.#value('');
    this.#space();
    if (this.#at < this.#body.length) throw this.#unexpected('after top-level value');
    return value;
  }

  #space(): void {
    for (;;) {
      const c = this.#body[this.#at];
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.#at++;
    }
  }

  #unexpected(where: string): SyntaxProblem {
    const c = this.#body[this.#at];
    if (c === undefined) return new SyntaxProblem('unexpected end of JSON input');
    return new SyntaxProblem(`invalid character ${quoted(c)} ${where}`);
  }

  #value(path: string): unknown {
    this.#space();
    const c = this.#body[this.#at];
    switch (c) {
      case 0x7b:
        return this.#nested(() => this.#object(path));
      case 0x5b:
        return this.#nested(() => this.#list(path));
      case 0x22:
        return this.#string();
      case 0x74:
        return this.#literal('true', true);
      case 0x66:
        return this.#literal('false', false);
      case 0x6e:
        return this.#literal('null', null);
      default:
        if (c === 0x2d || isDigit(c)) return this.#number();
        throw this.#unexpected('looking for beginning of value');
    }
  }

  #nested(read: () => unknown): unknown {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxProblem(TOO_DEEP);
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #object(path: string): unknown {
    const object: Record<string, unknown> = {};
    this.#space();
    if (this.#body[this.#at] === 0x7d) {
      this.#at++;
      return object;
    }
    for (;;) {
      this.#space();
      if (this.#body[this.#at] !== 0x22) throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      this.#space();
      if (this.#body[this.#at] !== 0x3a) throw this.#unexpected('after object key');
      this.#at++;
      const place = path === '' ? key : `${path}.${key}`;
      if (Object.hasOwn(object, key) && this.duplicates.size < MAX_DUPLICATES) {
        this.duplicates.add(`duplicate field ${JSON.stringify(place)}`);
      }
      setOwn(object, key, this.#value(place));
      this.#space();
      const c = this.#body[this.#at];
      if (c !== 0x2c && c !== 0x7d) throw this.#unexpected('after object key:value pair');
      this.#at++;
      if (c === 0x7d) return object;
    }
  }

  #list(path: string): unknown {
    const list: unknown[] = [];
    this.#space();
    if (this.#body[this.#at] === 0x5d) {
      this.#at++;
      return list;
    }
    for (;;) {
      list.push(this.#value(`${path}[${list.length}]`));
      this.#space();
      const c = this.#body[this.#at];
      if (c !== 0x2c && c !== 0x5d) throw this.#unexpected('after array element');
      this.#at++;
      if (c === 0x5d) return list;
    }
  }

  #string(): string {
    const start = this.#at++;
    let escaped = false;
    for (;;) {
      const c = this.#body[this.#at];
      if (c === undefined || c < 0x20) throw this.#unexpected('in string literal');
      this.#at++;
      if (c === 0x22) break;
      if (c === 0x5c) {
        escaped = true;
        this.#escape();
      }
    }
    if (!escaped) return this.#body.toString('utf8', start + 1, this.#at - 1);
    return JSON.parse(this.#body.toString('utf8', start, this.#at));
  }

  #escape(): void {
    const c = this.#body[this.#at];
    if (c === undefined || !'"\\/bfnrtu'.includes(String.fromCharCode(c))) {
      throw this.#unexpected('in string escape code');
    }
    this.#at++;
    if (c !== 0x75) return;
    for (let i = 0; i < 4; i++) {
      const digit = this.#body[this.#at];
      if (digit === undefined || !/[0-9a-fA-F]/.test(String.fromCharCode(digit))) {
        throw this.#unexpected('in \\u hexadecimal character escape');
      }
      this.#at++;
    }
  }

  #literal<T>(word: string, value: T): T {
    for (let i = 0; i < word.length; i++) {
      if (this.#body[this.#at] !== word.charCodeAt(i)) {
        throw this.#unexpected(
          i === 0 ? 'looking for beginning of value' : `in literal ${word} (expecting '${word[i]}')`,
        );
      }
      this.#at++;
    }
    return value;
  }

  #number(): unknown {
    const start = this.#at;
    let whole = true;
    if (this.#body[this.#at] === 0x2d) this.#at++;
    if (this.#body[this.#at] === 0x30) this.#at++;
    else this.#digits('in numeric literal');
    if (this.#body[this.#at] === 0x2e) {
      whole = false;
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    const e = this.#body[this.#at];
    if (e === 0x65 || e === 0x45) {
      whole = false;
      this.#at++;
      const sign = this.#body[this.#at];
      if (sign === 0x2b || sign === 0x2d) this.#at++;
      this.#digits('in exponent of numeric literal');
    }
    const text = this.#body.toString('latin1', start, this.#at);
    if (whole) return integerFrom(text);
    const value = Number(text);
    if (!Number.isFinite(value)) {
      throw new SyntaxProblem(`json: cannot unmarshal number ${text} into Go value of type float64`);
    }
    return value;
  }

  #digits(where: string): void {
    if (!isDigit(this.#body[this.#at])) throw this.#unexpected(where);
    while (isDigit(this.#body[this.#at])) this.#at++;
  }
}

function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= 0x30 && c <= 0x39;
}

/** A byte as Go quotes a character. */
function quoted(c: number): string {
  if (c === 0x27) return "'\\''";
  if (c === 0x22) return "'\"'";
  const escapes: Record<number, string> = { 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r' };
  if (c === 0x5c) return "'\\\\'";
  const text = escapes[c] ?? (c < 0x20 || c === 0x7f ? `\\x${c.toString(16).padStart(2, '0')}` : undefined);
  if (text !== undefined) return `'${text}'`;
  return c >= 0x80 && c < 0xa0 ? `'\\u00${c.toString(16)}'` : `'${String.fromCharCode(c)}'`;
}

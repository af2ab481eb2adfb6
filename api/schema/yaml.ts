// Reading YAML bodies, with the same result as if they had been sent as JSON: YAML 1.1 words for booleans, keys as
// text in sorted order, the first document only. The parser comes from the `yaml` package and is loaded when the first
// YAML body arrives; what plain words mean is decided here, as go-yaml decides it.
import type { Alias, Document, LineCounter, Node, Pair, ParsedNode, Scalar, YAMLError, YAMLMap } from 'yaml';
import { parsePlainJson } from './json.ts';
import { integerFrom, MAX_DEPTH, type Parsed, SyntaxProblem, setOwn, TOO_DEEP } from './json-value.ts';

type Yaml = typeof import('yaml');

/** The tree takes a hundred times the text, so this is stricter than the bound of bodies. */
const MAX_BYTES = 2 * 1024 * 1024;
/** Nodes that aliases may repeat: bodies that use more are made to exhaust memory. */
const MAX_REPEATED = 100_000;
const MAX_DUPLICATES = 100;

/** Duplicates read as a warning says them: `line 8: key "a" already set in map`. */
export async function parseYaml(body: Buffer): Promise<Parsed> {
  if (body.length > MAX_BYTES) throw new SyntaxProblem(`yaml: document is larger than ${MAX_BYTES} bytes`);
  if (nests(body)) throw new SyntaxProblem(TOO_DEEP);
  const json = asJson(body);
  if (json !== undefined) return { value: json.value, duplicates: [] };
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const options = {
    schema: 'failsafe',
    uniqueKeys: false,
    strict: true,
    logLevel: 'silent',
    prettyErrors: false,
    lineCounter: lines,
  } as const;
  const text = body.toString('utf8');
  const document = firstDocument(() => yaml.parseAllDocuments(text, options));
  if (document === undefined) return { value: null, duplicates: [] };
  const wrong = document.errors[0];
  if (wrong !== undefined) throw syntaxProblem(wrong, text, lines);
  const reader = new Reader(yaml, document, lines);
  const value = document.contents === null ? null : reader.read(document.contents, 0);
  return { value, duplicates: [...reader.duplicates] };
}

const OPEN_BRACE = 0x7b;

/** Most clients send JSON under YAML's name, and the YAML parser is fifty times slower. */
function asJson(body: Buffer): { value: unknown } | undefined {
  const json = body[0] === OPEN_BRACE ? parsePlainJson(body.toString('utf8')) : undefined;
  return json && { value: sorted(json.value) };
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const object: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) setOwn(object, key, sorted((value as Record<string, unknown>)[key]));
  return object;
}

function firstDocument(parse: () => unknown): Document | undefined {
  try {
    const documents = parse();
    return Array.isArray(documents) ? documents[0] : undefined;
  } catch (cause) {
    // The parser recurses on block nesting too, and has no bound of its own.
    if (cause instanceof RangeError) throw new SyntaxProblem(TOO_DEEP, { cause });
    throw cause;
  }
}

/** Flow brackets nest without indentation, and the parser recurses: a cheap look before it runs. */
function nests(body: Buffer): boolean {
  let depth = 0;
  for (const c of body) {
    if (c === 0x5b || c === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if ((c === 0x5d || c === 0x7d) && depth > 0) depth--;
  }
  return false;
}

function syntaxProblem(error: YAMLError, text: string, lines: LineCounter): SyntaxProblem {
  const { line } = lines.linePos(error.pos[0]);
  // The parser recurses, and reports its own overflow as an error of the document.
  if (error.code === 'RESOURCE_EXHAUSTION' || /call stack/.test(error.message)) return new SyntaxProblem(TOO_DEEP);
  const before = text.slice(0, error.pos[0]).trimEnd();
  if (/end with a [\]}]/.test(error.message) && /[[{,]$/.test(before)) {
    return new SyntaxProblem(`yaml: line ${Math.max(line, 1)}: did not find expected node content`);
  }
  return new SyntaxProblem(`yaml: line ${Math.max(line, 1)}: ${goWords(error)}`);
}

function goWords({ code, message }: YAMLError): string {
  switch (code) {
    case 'MISSING_CHAR':
      if (/end with a \]|"\]"|'\]'/.test(message)) return "did not find expected ',' or ']'";
      if (/end with a \}/.test(message)) return "did not find expected ',' or '}'";
      if (/quote/.test(message)) return 'found unexpected end of stream';
      return "could not find expected ':'";
    case 'BAD_INDENT':
      if (/end with a \]/.test(message)) return "did not find expected ',' or ']'";
      if (/end with a \}/.test(message)) return "did not find expected ',' or '}'";
      return 'did not find expected key';
    case 'TAB_AS_INDENT':
    case 'BAD_SCALAR_START':
      return 'found character that cannot start any token';
    case 'BAD_ALIAS':
      return 'did not find expected alphabetic or numeric character';
    case 'BAD_DQ_ESCAPE':
      return 'found unknown escape character';
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return 'mapping values are not allowed in this context';
    default:
      return message;
  }
}

class Reader {
  readonly duplicates = new Set<string>();
  readonly #yaml: Yaml;
  readonly #document: Document;
  readonly #lines: LineCounter;
  #repeated = 0;
  #inAlias = 0;

  constructor(yaml: Yaml, document: Document, lines: LineCounter) {
    this.#yaml = yaml;
    this.#document = document;
    this.#lines = lines;
  }

  read(node: unknown, depth: number): unknown {
    if (depth > MAX_DEPTH) throw new SyntaxProblem(TOO_DEEP);
    if (this.#inAlias > 0 && ++this.#repeated > MAX_REPEATED) {
      throw new SyntaxProblem('yaml: document contains excessive aliasing');
    }
    const { isAlias, isMap, isScalar, isSeq } = this.#yaml;
    if (isMap(node)) return this.#map(node as YAMLMap, depth);
    if (isSeq(node)) return node.items.map((item) => this.read(item, depth + 1));
    if (isScalar(node)) return scalarValue(node as Scalar);
    if (isAlias(node)) return this.#alias(node, depth);
    return null;
  }

  #alias(node: Alias, depth: number): unknown {
    const target = node.resolve(this.#document);
    if (target === undefined) throw new SyntaxProblem(`yaml: unknown anchor '${node.source}' referenced`);
    this.#inAlias++;
    const value = this.read(target, depth + 1);
    this.#inAlias--;
    return value;
  }

  #map(node: YAMLMap, depth: number): unknown {
    const entries = new Map<string, unknown>();
    const merged: unknown[] = [];
    for (const pair of node.items as Pair<ParsedNode, Node | null>[]) {
      if (isMergeKey(pair.key)) {
        merged.push(this.read(pair.value, depth + 1));
        continue;
      }
      const key = keyText(this.read(pair.key, depth + 1));
      if (entries.has(key) && this.duplicates.size < MAX_DUPLICATES) {
        const { line } = this.#lines.linePos(pair.key.range?.[0] ?? 0);
        this.duplicates.add(`line ${line}: key ${JSON.stringify(key)} already set in map`);
      }
      entries.set(key, this.read(pair.value, depth + 1));
    }
    for (const source of merged.flat()) {
      if (typeof source !== 'object' || source === null) {
        throw new SyntaxProblem('yaml: map merge requires map or sequence of maps as the value');
      }
      for (const [key, value] of Object.entries(source)) if (!entries.has(key)) entries.set(key, value);
    }
    const object: Record<string, unknown> = {};
    for (const key of [...entries.keys()].sort()) setOwn(object, key, entries.get(key));
    return object;
  }
}

function isMergeKey(key: unknown): boolean {
  const scalar = key as Partial<Scalar> | null;
  return scalar?.value === '<<' && scalar.type === 'PLAIN';
}

function keyText(key: unknown): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'object') throw new SyntaxProblem('yaml: invalid map key');
  return String(key);
}

const NULL = /^(?:~|null|Null|NULL|)$/;
const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;
const INTEGER = /^[-+]?(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9]\d*|0)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const NOT_JSON = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

function scalarValue({ value, type, tag }: Scalar): unknown {
  const text = typeof value === 'string' ? value : '';
  if (tag === 'tag:yaml.org,2002:binary') return Buffer.from(text, 'base64').toString('utf8');
  if (tag === 'tag:yaml.org,2002:str') return text;
  const isPlain = type === 'PLAIN' || type === undefined || type === null;
  return isPlain || tag !== undefined ? plainValue(text) : text;
}

function plainValue(text: string): unknown {
  if (NULL.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  const digits = text.replaceAll('_', '');
  if (INTEGER.test(digits)) {
    const unsigned = digits.replace(/^[-+]/, '').replace(/^0(?=[0-7])/, '0o');
    const sign = digits.startsWith('-') ? '-' : '';
    return integerFrom(`${sign}${BigInt(unsigned)}`);
  }
  if (FLOAT.test(digits) && Number.isFinite(Number(digits))) return Number(digits);
  if (NOT_JSON.test(text)) throw new SyntaxProblem(`error converting YAML to JSON: json: unsupported value: ${text}`);
  return text;
}

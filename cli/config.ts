// Reads settings: flags win over variables, variables over the file, the file over defaults. What nobody knows is an
// error of one line that says where it stands. Texts in, values out; the reader of YAML is loaded when there is a file.
import { flagOf, type Option, type Options, type Values, variableOf } from './options.ts';

export interface Sources {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file, or undefined when there is none. */
  readonly readFile: (path: string) => string | undefined;
}

/** A mistake of the user: the message is all they need to see. */
export class UsageError extends Error {
  override name = 'UsageError';
}

interface Given {
  readonly texts: string[];
  /** For messages: `--port`, `SKIFF_PORT`, `/etc/skiff/config.yaml: port`. */
  readonly where: string;
}

/** `elsewhere` names settings of other commands: one file and one environment serve them all. */
export async function readConfig<O extends Options>(
  table: O,
  sources: Sources,
  elsewhere: Options = {},
): Promise<Values<O>> {
  const flags = fromFlags(table, sources.argv);
  const variables = fromVariables(table, sources.env);
  const early = new Map([...variables, ...flags]);
  const named = early.get('config')?.texts[0];
  const folder = early.get('configDir')?.texts[0] ?? table['configDir']?.fallback;
  const path = named ?? `${folder}/config.yaml`;
  const text = sources.readFile(path);
  if (named !== undefined && text === undefined) throw new UsageError(`${path}: no such file`);
  const file = text === undefined ? new Map<string, Given>() : await fromFile(table, path, text, elsewhere);
  const given = new Map([...file, ...early]);
  const values = Object.entries(table).map(([name, option]) => [name, chosen(option, given.get(name))]);
  return Object.fromEntries(values) as Values<O>;
}

/** The flags that give another process the same values, for those settings it has. */
export function toArgs(table: Options, values: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(table)
    .filter((name) => values[name] !== undefined && !(Array.isArray(values[name]) && values[name].length === 0))
    .map((name) => `--${flagOf(name)}=${asText(values[name])}`);
}

export function helpOf(command: string, summary: string, table: Options): string {
  const rows = Object.entries(table).map(([name, { value, help, fallback }]) => {
    const shown = fallback === undefined || asText(fallback) === '' ? '' : ` (default ${asText(fallback)})`;
    return `  --${flagOf(name)} ${value}\n        ${help}${shown}`;
  });
  const note =
    'Each flag is also a variable (--data-dir: SKIFF_DATA_DIR) and a line of the settings file (data-dir: ...).';
  return [`skiff ${command}: ${summary}`, '', `usage: skiff ${command} [flags]`, '', ...rows, '', note, ''].join('\n');
}

function fromFlags(table: Options, argv: readonly string[]): Map<string, Given> {
  const found = new Map<string, Given>();
  for (let i = 0; i < argv.length; i++) {
    const [, flag, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(argv[i]!) ?? [];
    if (flag === undefined) throw new UsageError(`unexpected argument ${JSON.stringify(argv[i])}`);
    const name = nameOf(table, flag);
    if (name === undefined) throw new UsageError(`unknown flag --${flag}${suggestion(table, flag)}`);
    const text = inline ?? argv[++i];
    if (text === undefined) throw new UsageError(`--${flag} needs a value: ${table[name]!.value}`);
    const before = table[name]!.list ? (found.get(name)?.texts ?? []) : [];
    found.set(name, { texts: [...before, text], where: `--${flag}` });
  }
  return found;
}

function fromVariables(table: Options, env: Sources['env']): Map<string, Given> {
  const rows = Object.keys(table).map((name) => [name, env[variableOf(name)], variableOf(name)] as const);
  return new Map(rows.flatMap(([name, text, where]) => (text ? [[name, { texts: [text], where }]] : [])));
}

async function fromFile(table: Options, path: string, text: string, elsewhere: Options): Promise<Map<string, Given>> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw new UsageError(`${path}: ${problem.message.split('\n')[0]}`);
  const settings: unknown = document.toJS();
  if (settings === null || settings === undefined) return new Map();
  if (typeof settings !== 'object' || Array.isArray(settings))
    throw new UsageError(`${path}: expected lines of \`flag: value\``);
  const found = new Map<string, Given>();
  for (const [key, value] of Object.entries(settings)) {
    const name = nameOf(table, key);
    if (name === undefined && nameOf(elsewhere, key) !== undefined) continue;
    if (name === undefined) throw new UsageError(`${path}: unknown key ${key}${suggestion(table, key)}`);
    if (name === 'config' || name === 'configDir')
      throw new UsageError(`${path}: ${key} cannot be set in the file it names`);
    const list = table[name]!.list && Array.isArray(value) ? value : [value];
    if (!list.every(isScalar)) throw new UsageError(`${path}: ${key}: expected ${table[name]!.value}`);
    found.set(name, { texts: list.map(String), where: `${path}: ${key}` });
  }
  return found;
}

function chosen(option: Option<unknown>, given: Given | undefined): unknown {
  if (given === undefined) return option.fallback;
  const values = given.texts.map((text) => {
    const value = option.parse(text);
    if (value === undefined) throw new UsageError(`${given.where}: ${JSON.stringify(text)} is not ${option.value}`);
    return value;
  });
  return option.list ? values.flat() : values.at(-1);
}

function nameOf(table: Options, flag: string): string | undefined {
  return Object.keys(table).find((name) => flagOf(name) === flag);
}

/** Names the flag that was probably meant: much in common from either end, and about as long. */
function suggestion(table: Options, flag: string): string {
  const likeness = (other: string) =>
    shared([...flag], [...other]) +
    shared([...flag].reverse(), [...other].reverse()) -
    Math.abs(flag.length - other.length);
  const flags = Object.keys(table).map(flagOf);
  const best = flags.toSorted((a, b) => likeness(b) - likeness(a))[0];
  return best !== undefined && likeness(best) >= Math.max(3, flag.length - 3) ? ` (did you mean ${best}?)` : '';
}

function shared(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((letter, i) => letter !== b[i]);
  return differs < 0 ? a.length : differs;
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map(asText).join(',');
  if (typeof value === 'object' && value !== null && 'from' in value && 'to' in value)
    return `${value.from}-${value.to}`;
  return String(value);
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

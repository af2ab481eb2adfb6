// agent/network: nftables transactions as data. The room decides on a list of ops; `render` turns it into text and
// `Nft` hands the text to `nft -f -`, where the kernel takes all of it or none of it. Transactions are serialised.
import type { Exec } from './exec.ts';

export type Family = 'ip' | 'ip6';

export interface Table {
  readonly family: Family;
  readonly name: string;
}

export type NftOp =
  | { readonly add: 'table' }
  | { readonly delete: 'table' }
  | { readonly add: 'set' | 'map'; readonly name: string; readonly spec: string }
  /** A chain with exactly these rules, whatever it held before; `hook` makes it a base chain. */
  | { readonly add: 'chain'; readonly name: string; readonly hook?: string; readonly rules: readonly string[] }
  | { readonly delete: 'chain'; readonly name: string }
  | { readonly add: 'element'; readonly of: string; readonly key: string; readonly value?: string }
  | { readonly delete: 'element'; readonly of: string; readonly key: string };

/** nft parses one command with many elements much faster than many commands with one. */
const ELEMENTS_PER_COMMAND = 1000;

export function render({ family, name: table }: Table, ops: readonly NftOp[]): string {
  const at = `${family} ${table}`;
  const lines: string[] = [];
  for (let i = 0; i < ops.length; ) {
    const run = runOf(ops, i);
    i += run.length;
    lines.push(...renderRun(at, run));
  }
  return `${lines.join('\n')}\n`;
}

function renderRun(at: string, run: readonly NftOp[]): string[] {
  const first = run[0]!;
  if ('add' in first) {
    switch (first.add) {
      case 'table':
        return [`add table ${at}`];
      case 'set':
      case 'map':
        return [`add ${first.add} ${at} ${first.name} { ${first.spec} }`];
      case 'chain': {
        // All chains before any rule, for the rules jump between them.
        const chains = run as Extract<NftOp, { add: 'chain' }>[];
        return [
          ...chains.map((c) => `add chain ${at} ${c.name}${c.hook === undefined ? '' : ` { ${c.hook} }`}`),
          ...chains.flatMap((c) => [
            `flush chain ${at} ${c.name}`,
            ...c.rules.map((rule) => `add rule ${at} ${c.name} ${rule}`),
          ]),
        ];
      }
      case 'element': {
        const elements = run as Extract<NftOp, { add: 'element' }>[];
        const words = elements.map((e) => (e.value === undefined ? e.key : `${e.key} : ${e.value}`));
        return [`add element ${at} ${first.of} { ${words.join(', ')} }`];
      }
      default:
        return first satisfies never;
    }
  }
  switch (first.delete) {
    case 'table':
      return [`delete table ${at}`];
    case 'chain': {
      const chains = run as Extract<NftOp, { delete: 'chain' }>[];
      return [
        ...chains.map((c) => `flush chain ${at} ${c.name}`),
        ...chains.map((c) => `delete chain ${at} ${c.name}`),
      ];
    }
    case 'element': {
      const keys = (run as Extract<NftOp, { delete: 'element' }>[]).map((e) => e.key);
      return [`delete element ${at} ${first.of} { ${keys.join(', ')} }`];
    }
    default:
      return first satisfies never;
  }
}

/** The ops from `start` on that go into one command: neighbours of one kind, elements only of one set. */
function runOf(ops: readonly NftOp[], start: number): readonly NftOp[] {
  const first = kindOf(ops[start]!);
  if (!first.startsWith('element') && !first.startsWith('chain')) return ops.slice(start, start + 1);
  let end = start + 1;
  while (end < ops.length && end - start < ELEMENTS_PER_COMMAND && kindOf(ops[end]!) === first) end++;
  return ops.slice(start, end);
}

function kindOf(op: NftOp): string {
  const verb = 'add' in op ? 'add' : 'delete';
  const what = 'add' in op ? op.add : op.delete;
  return `${what} ${verb} ${'of' in op ? op.of : ''}`;
}

/** The kernel's or nft's refusal of a transaction: nothing of it was applied. */
export class NftError extends Error {
  override readonly name = 'NftError';
}

/** What a table holds: its chains, and the elements of each set and map (sets map to the empty string). */
export interface KernelState {
  /** How many rules each chain has. */
  readonly chains: ReadonlyMap<string, number>;
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

const PIDS_REMEMBERED = 256;

export class Nft {
  readonly #exec: Exec;
  readonly #pids = new Set<number>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(exec: Exec) {
    this.#exec = exec;
  }

  /** Whether a generation of the ruleset was made by us (`nft monitor` names the process). */
  isOwn(pid: number): boolean {
    return this.#pids.has(pid);
  }

  async apply(table: Table, ops: readonly NftOp[], signal: AbortSignal): Promise<void> {
    if (ops.length === 0) return;
    const stdin = render(table, ops);
    const started = (pid: number) => {
      this.#pids.add(pid);
      if (this.#pids.size > PIDS_REMEMBERED) this.#pids.delete(this.#pids.values().next().value!);
    };
    const { code, stderr } = await this.#serially(() => this.#exec(['nft', '-f', '-'], { stdin, started }, signal));
    if (code !== 0)
      throw new NftError(
        `nftables refused a transaction on table ${table.family} ${table.name}: ${firstLines(stderr)}`,
      );
  }

  /** Undefined when there is no such table. */
  async read(table: Table, signal: AbortSignal): Promise<KernelState | undefined> {
    const at = [table.family, table.name];
    const { code, stdout, stderr } = await this.#serially(() =>
      this.#exec(['nft', '-j', 'list', 'table', ...at], {}, signal),
    );
    if (code === 0) return parseTable(stdout);
    if (/No such file or directory/.test(stderr)) return undefined;
    throw new NftError(`nftables cannot list table ${at.join(' ')}: ${firstLines(stderr)}`);
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work);
    this.#last = next.catch(() => {});
    return next;
  }
}

/** The message without the echo of our own input, which can be megabytes. */
function firstLines(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.includes('Error') || line.includes('rror:'));
  return (lines.length > 0 ? lines : stderr.split('\n')).slice(0, 3).join('; ').slice(0, 500) || 'no reason given';
}

type Json = { readonly [key: string]: unknown };

/** Reads `nft -j list table`: nft's structured elements become the text we write them as. */
export function parseTable(json: string): KernelState {
  const { nftables } = JSON.parse(json) as { nftables: Json[] };
  const chains = new Map<string, number>();
  const elements = new Map<string, Map<string, string>>();
  for (const item of nftables) {
    const chain = item.chain as { name: string } | undefined;
    if (chain !== undefined) chains.set(chain.name, chains.get(chain.name) ?? 0);
    const rule = item.rule as { chain: string } | undefined;
    if (rule !== undefined) chains.set(rule.chain, (chains.get(rule.chain) ?? 0) + 1);
    const set = (item.set ?? item.map) as { name: string; elem?: unknown[]; map?: unknown } | undefined;
    if (set === undefined) continue;
    const into = new Map<string, string>();
    elements.set(set.name, into);
    for (const elem of set.elem ?? []) {
      if (set.map === undefined) into.set(expression(elem), '');
      else into.set(expression((elem as unknown[])[0]), expression((elem as unknown[])[1]));
    }
  }
  return { chains, elements };
}

function expression(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return '';
  const [kind, inner] = Object.entries(value)[0] ?? ['', undefined];
  switch (kind) {
    case 'concat':
      return (inner as unknown[]).map(expression).join(' . ');
    case 'elem': // an element with properties: a timeout, a counter
      return expression((inner as Json).val);
    case 'prefix':
      return `${expression((inner as Json).addr)}/${String((inner as Json).len)}`;
    case 'range':
      return (inner as unknown[]).map(expression).join('-');
    case 'goto':
    case 'jump':
      return `${kind} ${String((inner as Json).target)}`;
    default: // verdicts without a target
      return kind;
  }
}

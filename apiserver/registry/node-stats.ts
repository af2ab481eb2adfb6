// What nodes say of their use and their pods': asked of each kubelet when somebody wants to know, and kept for a few
// seconds. Processor time is a rate, so a kubelet that was not asked for long is asked twice.
import { request } from 'node:https';
import type { Clock } from '../../api/clock.ts';
import { internalError } from '../../api/status.ts';
import type { Node } from '../../api/types/core/node.ts';
import { kubeletUrl, type NodeConnections } from './node-connections.ts';

const KEPT_MS = 5_000;
/** A rate over longer says little about now. */
const STALE_MS = 60_000;
const BETWEEN_MS = 1_100;
const ASKED_MAX_MS = 5_000;
const ANSWER_MAX_BYTES = 32 << 20;

export interface Use {
  readonly startTime?: string;
  readonly cpu?: { readonly time: string; readonly usageNanoCores?: number; readonly usageCoreNanoSeconds?: number };
  readonly memory?: { readonly time: string; readonly workingSetBytes?: number };
}

export interface NodeSummary {
  readonly node: Use;
  readonly pods?: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
    readonly containers?: readonly (Use & { readonly name: string })[];
  }[];
}

interface Known {
  readonly atMs: number;
  readonly windowMs: number;
  readonly summary: NodeSummary;
}

export interface Measured {
  readonly summary: NodeSummary;
  /** What the rates are over. */
  readonly windowMs: number;
}

export class NodeStats {
  readonly #nodes: NodeConnections;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<Known>>();

  constructor(nodes: NodeConnections, clock: Clock) {
    this.#nodes = nodes;
    this.#clock = clock;
  }

  /** Rejects when the kubelet does not answer. Who asks at the same time shares the question. */
  async of(node: Node): Promise<Measured> {
    const { name } = node.metadata;
    const known = this.#known.get(name);
    if (known !== undefined && this.#clock.monotonic() - known.atMs < KEPT_MS) return known;
    const asking = this.#asking.get(name) ?? this.#look(node, known).finally(() => this.#asking.delete(name));
    this.#asking.set(name, asking);
    return asking;
  }

  /** Forgets all others. */
  keep(names: ReadonlySet<string>): void {
    for (const name of [...this.#known.keys()]) if (!names.has(name)) this.#known.delete(name);
  }

  async #look(node: Node, known: Known | undefined): Promise<Known> {
    let before = known;
    if (before === undefined || this.#clock.monotonic() - before.atMs > STALE_MS) {
      before = { atMs: this.#clock.monotonic(), windowMs: 0, summary: await this.#ask(node) };
      await this.#clock.sleep(BETWEEN_MS);
    }
    const summary = await this.#ask(node);
    const atMs = this.#clock.monotonic();
    const found = { atMs, windowMs: atMs - before.atMs, summary };
    this.#known.set(node.metadata.name, found);
    return found;
  }

  #ask(node: Node): Promise<NodeSummary> {
    const url = new URL('/stats/summary', kubeletUrl(node));
    const signal = this.#clock.deadline(ASKED_MAX_MS);
    return new Promise((resolve, reject) => {
      const asked = request(url, { ...this.#nodes.tls, agent: false, signal }, (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size > ANSWER_MAX_BYTES) asked.destroy(internalError(`${url.host} says too much of its use`));
        });
        answer.once('error', reject);
        answer.once('end', () => {
          if (answer.statusCode !== 200) {
            reject(internalError(`${url.host} answered ${answer.statusCode} when asked for its use`));
            return;
          }
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString()) as NodeSummary);
          } catch (err) {
            reject(err);
          }
        });
      });
      asked.once('error', reject);
      asked.end();
    });
  }
}

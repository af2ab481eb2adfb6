// A containerd in a test node, started by the code that starts it on real nodes, and reached from the test process over
// its socket.

import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { ContainerdOptions } from '../../../cli/containerd.ts';
import type { NodeNamespace, NodeProcess } from './node-namespace.ts';
import { waitFor } from './wait.ts';

const MAIN = resolve(import.meta.dirname, 'containerd-main.ts');

export interface ContainerdFacts {
  /** As the node sees it. */
  pid: number;
  adopted: boolean;
  version: string;
  snapshotter: string;
}

export class TestContainerd implements AsyncDisposable {
  readonly facts: ContainerdFacts;
  /** For clients in the test process. */
  readonly socket: string;
  readonly #keeper: NodeProcess;

  private constructor(facts: ContainerdFacts, socket: string, keeper: NodeProcess) {
    this.facts = facts;
    this.socket = socket;
    this.#keeper = keeper;
  }

  /** `archives` are image files as the node sees them; `options` replace defaults. */
  static async start(
    node: NodeNamespace,
    archives: readonly string[] = [],
    options: Partial<ContainerdOptions> = {},
  ): Promise<TestContainerd> {
    const env = { CONTAINERD_OPTIONS: JSON.stringify(options) };
    const keeper = node.spawn('node', [MAIN, ...archives], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    let line: string | undefined;
    let complaint = '';
    createInterface({ input: keeper.child.stdout! }).once('line', (text) => {
      line = text;
    });
    keeper.child.stderr?.on('data', (chunk) => {
      complaint = `${complaint}${chunk}`.slice(-4096);
    });
    await waitFor(
      'containerd to be ready',
      () => {
        if (!keeper.running) return true;
        return line !== undefined;
      },
      { intervalMs: 10 },
    );
    if (line === undefined) throw new Error(`containerd did not start: ${complaint.trim()}`);
    const socket = options.socket ?? '/run/skiff/containerd/containerd.sock';
    return new TestContainerd(JSON.parse(line), node.path(socket), keeper);
  }

  /** As if `skiff up` were killed: containerd stays. */
  async abandon(): Promise<void> {
    await this.#keeper.kill('SIGKILL');
    await this.#keeper.exited;
  }

  /** As Ctrl-C does: containerd ends, containers do not. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper.kill('SIGTERM');
    await this.#keeper.exited;
  }
}

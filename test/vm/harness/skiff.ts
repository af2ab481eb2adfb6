// skiff on a machine, as a person uses it: `npm start` in a terminal, kubectl beside it.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Container } from '../../../api/types/core/container.ts';
import type { ContainerStatus } from '../../../api/types/core/container-status.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { InVain, waitFor } from '../../cluster/harness/wait.ts';
import type { Machine } from './machine.ts';

const READY_MS = 30_000;
const DOWN_MS = 60_000;

export class Skiff {
  readonly #machine: Machine;
  #terminal: ChildProcess | undefined;
  #said = '';

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** What the last `npm start` printed. */
  get said(): string {
    return this.#said;
  }

  /** `npm start` in a terminal, until it says what to type next. A real machine's patience is too short for an emulated one. */
  async start(timeoutMs: number, flags = ''): Promise<void> {
    const patience = `SKIFF_READY_TIMEOUT=${Math.ceil(this.#machine.ms(120_000) / 1_000)}s`;
    const command = `cd skiff && ${patience} exec npm start ${flags && `-- ${flags}`}`;
    const terminal = this.#machine.spawn(command, { tty: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#terminal = terminal;
    this.#said = '';
    let closed = false;
    terminal.once('close', () => {
      closed = true;
    });
    terminal.stdout!.on('data', (chunk: Buffer) => {
      this.#said = `${this.#said}${chunk}`.slice(-64 * 1024).replaceAll('\r', '');
    });
    const isUp = () => {
      if (closed) throw new InVain('it ended');
      return this.#said.includes('Ctrl-C here ends the processes');
    };
    const wait = { timeoutMs: this.#machine.ms(timeoutMs), intervalMs: 250 };
    await waitFor('npm start to be ready', isUp, wait).catch((err) => {
      throw new Error(`${err.message}\n${this.#said}`, { cause: err });
    });
  }

  async ctrlC(): Promise<void> {
    const closed = once(this.#terminal!, 'close');
    this.#terminal!.stdin!.write('\x03');
    const signal = AbortSignal.timeout(this.#machine.ms(30_000));
    await Promise.race([closed, once(signal, 'abort')]);
    // Not the exit code: npm itself ends by the signal.
    assert.equal(signal.aborted, false, `Ctrl-C does not end it:\n${this.#said}`);
    assert.match(this.#said, /skiff: ended\. Pods run on/);
  }

  async down(): Promise<string> {
    return (await this.#machine.sh('cd skiff && npm run down', { timeoutMs: this.#machine.ms(DOWN_MS) })).stdout;
  }

  async kubectl(args: string, input?: string): Promise<string> {
    const command = `KUBECONFIG=/etc/skiff/admin.kubeconfig kubectl ${args}`;
    return (await this.#machine.sh(command, { ...(input !== undefined && { input }) })).stdout;
  }

  async json<T>(args: string): Promise<T> {
    return JSON.parse(await this.kubectl(`${args} -o json`)) as T;
  }

  async apply(...items: object[]): Promise<void> {
    await this.kubectl('apply -f -', JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  pod(name: string): Promise<Pod> {
    return this.json<Pod>(`get pod ${name}`);
  }

  async pods(): Promise<Pod[]> {
    return (await this.json<{ items: Pod[] }>('get pods')).items;
  }

  /** Waits for a pod to be as `look` wants it. */
  async until(name: string, what: string, look: (pod: Pod) => boolean): Promise<Pod> {
    return this.#wait(`${name} to be ${what}`, async () => {
      const pod = await this.pod(name);
      if (!look(pod)) throw new Error(JSON.stringify(pod.status));
      return pod;
    });
  }

  async untilReady(pods: string): Promise<void> {
    const timeout = `${Math.ceil(this.#machine.ms(1_000) / 1_000)}s`;
    await this.#wait(`${pods} to be Ready`, () =>
      this.kubectl(`wait --for=condition=Ready --timeout=${timeout} ${pods}`),
    );
  }

  async untilRolledOut(deployment: string): Promise<void> {
    await this.kubectl(`rollout status ${deployment} --timeout=${this.#machine.ms(READY_MS) / 1_000}s`);
  }

  /** What the API wants of the node and what is there are the same. */
  async untilClean(): Promise<void> {
    await this.#wait('nothing to be left behind', async () => {
      const { stdout, stderr } = await this.#machine.sh('cd skiff && node cli/skiff.mjs check node', { mayFail: true });
      if (!/^node \S+: no differences\n$/.test(stdout)) throw new Error(stdout + stderr);
      return true;
    });
  }

  #wait<T>(what: string, look: () => Promise<T>) {
    return waitFor(what, look, { timeoutMs: this.#machine.ms(READY_MS), intervalMs: 1_000 });
  }
}

export const BUSYBOX = 'skiff.local/test/busybox:1';
export const WEB = 'skiff.local/test/web:1';

/** A pod of one container; it sleeps unless it is told otherwise. */
export function aPod(name: string, container: Partial<Container> = {}, spec: Partial<Pod['spec']> = {}): object {
  const containers = [{ name: 'main', image: BUSYBOX, imagePullPolicy: 'Never', ...container }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers, ...spec } };
}

export function mainOf({ status }: Pod): ContainerStatus {
  return status.containerStatuses![0]!;
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

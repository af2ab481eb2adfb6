// test: a node in network namespaces of its own: the node, pods behind veths as the ptp plugin makes them, and the
// world on a link. Everything is removed when the test ends.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { hostExec } from '../../../agent/network/exec.ts';
import { applySysctls } from '../../../agent/network/sysctls.ts';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import type { Command } from './peer.ts';

const run = (command: string) => execFileSync('sh', ['-ec', command], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
let counter = 0;

export class Peer {
  readonly ns: string;
  readonly ip: string;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(ns: string, ip: string) {
    this.ns = ns;
    this.ip = ip;
    this.#child = spawn('ip', ['netns', 'exec', ns, process.execPath, `${import.meta.dirname}/peer.ts`, 'peer'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  async ready(): Promise<this> {
    await this.#answers.next();
    return this;
  }

  async #do(command: Command): Promise<string[]> {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`);
    const { value } = await this.#answers.next();
    return JSON.parse(value as string) as string[];
  }

  async serve(name: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<void> {
    const [answer] = await this.#do({ do: 'serve', protocol, host: this.ip, port, name });
    if (answer !== 'serving') throw new Error(`${this.ns}: ${answer}`);
  }

  ask(
    host: string,
    port: number,
    more: { protocol?: 'tcp' | 'udp'; times?: number; local?: string; localPort?: number } = {},
  ) {
    return this.#do({ do: 'ask', protocol: 'tcp', host, port, ...more });
  }

  sh(command: string): string {
    return run(`ip netns exec ${this.ns} sh -ec '${command}'`);
  }

  async end(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#child.on('close', () => resolve());
    this.#child.stdin!.end();
    await promise;
  }
}

export interface TestNode extends AsyncDisposable {
  readonly ns: string;
  /** Before a command, so that it runs on the node. */
  readonly prefix: readonly string[];
  readonly node: Peer;
  readonly world: Peer;
  readonly pods: readonly Peer[];
  sh(command: string): string;
}

/** The node is 192.168.77.2 beside the world at 192.168.77.1; its pods are 10.42.0.2, 10.42.0.3 ... */
export async function makeNode(podCount: number): Promise<TestNode> {
  const id = `sk${process.pid}x${counter++}`;
  const ns = `${id}-node`;
  const names = [ns, `${id}-world`, ...Array.from({ length: podCount }, (_, i) => `${id}-pod${i}`)];
  const peers: Peer[] = [];
  const dispose = async () => {
    await Promise.all(peers.map((peer) => peer.end()));
    for (const name of names) run(`ip netns del ${name} 2>/dev/null || true`);
  };
  try {
    for (const name of names) run(`ip netns add ${name}; ip -n ${name} link set lo up`);
    // As the agent does it: before the first pod's link is made.
    const signal = AbortSignal.timeout(10_000);
    await applySysctls(['ip', 'ip6'], hostExec(systemClock, ['ip', 'netns', 'exec', ns]), silent, signal);
    run(`
      ip -n ${ns} link add eth0 type veth peer name eth0 netns ${id}-world
      ip -n ${ns} addr add 192.168.77.2/24 dev eth0; ip -n ${ns} link set eth0 up
      ip -n ${id}-world addr add 192.168.77.1/24 dev eth0; ip -n ${id}-world link set eth0 up
      ip -n ${id}-world route add 10.43.0.0/16 via 192.168.77.2
      ip -n ${ns} route add default via 192.168.77.1`);
    for (let i = 0; i < podCount; i++) {
      const pod = `${id}-pod${i}`;
      run(`
        ip -n ${ns} link add veth${i} type veth peer name eth0 netns ${pod}
        ip -n ${ns} addr add 10.42.0.1/32 dev veth${i}; ip -n ${ns} link set veth${i} up
        ip -n ${ns} route add 10.42.0.${i + 2}/32 dev veth${i}
        ip -n ${pod} addr add 10.42.0.${i + 2}/32 dev eth0; ip -n ${pod} link set eth0 up
        ip -n ${pod} route add 10.42.0.1 dev eth0 scope link; ip -n ${pod} route add default via 10.42.0.1`);
    }
    peers.push(new Peer(ns, '192.168.77.2'), new Peer(`${id}-world`, '192.168.77.1'));
    for (let i = 0; i < podCount; i++) peers.push(new Peer(`${id}-pod${i}`, `10.42.0.${i + 2}`));
    await Promise.all(peers.map((peer) => peer.ready()));
  } catch (err) {
    await dispose();
    throw err;
  }
  const [node, world, ...pods] = peers as [Peer, Peer, ...Peer[]];
  return {
    ns,
    prefix: ['ip', 'netns', 'exec', ns],
    node,
    world,
    pods,
    sh: (command) => run(`ip netns exec ${ns} sh -ec '${command}'`),
    [Symbol.asyncDispose]: dispose,
  };
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 5_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

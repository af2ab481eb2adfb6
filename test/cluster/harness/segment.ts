// The network that test nodes share: a bridge in a network namespace of its own, one veth to each node and one to the
// host, so that the test process reaches the nodes' addresses. The host gets one interface with a connected route,
// which disappears with the segment; nothing else of its network is changed.

import { Holder } from './holder.ts';
import { OWN_PREFIX } from './names.ts';
import { exec } from './process.ts';
import { checkRequirements } from './requirements.ts';

const FIRST_NODE = 11;
const SUBNETS = 250;

export class Segment implements AsyncDisposable {
  /** Interface on the host. */
  readonly hostInterface: string;
  readonly #subnet: number;
  readonly #holder: Holder;
  #nodes = 0;

  private constructor(subnet: number, hostInterface: string, holder: Holder) {
    this.#subnet = subnet;
    this.hostInterface = hostInterface;
    this.#holder = holder;
  }

  static async create(): Promise<Segment> {
    await checkRequirements();
    const holder = await Holder.start(
      ['--net', '--mount', '--propagation', 'private'],
      'exec "$@"',
      [
        'ip link set lo up',
        'ip link add br0 type bridge',
        'ip link set br0 up',
        // The nodes' default route ends here, with an answer: nothing a test asks of the world outside has to time out.
        'echo 1 > /proc/sys/net/ipv4/ip_forward',
        'ip route add unreachable default',
      ].join('\n'),
    );
    try {
      const subnet = await claimSubnet(holder.pid);
      const name = interfaceName(subnet);
      await ip([
        `link set ${name} alias ${OWN_PREFIX}segment`,
        `addr add ${address(subnet, 1)}/24 dev ${name}`,
        `link set ${name} up`,
      ]);
      await ip(
        ['link set host master br0', 'link set host up', `addr add ${address(subnet, 254)}/24 dev br0`],
        holder.pid,
      );
      return new Segment(subnet, name, holder);
    } catch (err) {
      await holder[Symbol.asyncDispose]();
      throw err;
    }
  }

  /** Gives the network namespace of `pid` an eth0 and returns its address. */
  async attach(pid: number): Promise<string> {
    const number = this.#nodes++;
    const own = address(this.#subnet, FIRST_NODE + number);
    await ip([`link add node${number} netns ${this.#holder.pid} type veth peer name eth0 netns ${pid}`]);
    await ip([`link set node${number} master br0`, `link set node${number} up`], this.#holder.pid);
    await ip(
      [`addr add ${own}/24 dev eth0`, 'link set eth0 up', `route add default via ${address(this.#subnet, 254)}`],
      pid,
    );
    return own;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ip([`link delete ${this.hostInterface}`]);
    await this.#holder[Symbol.asyncDispose]();
  }
}

export function interfaceName(subnet: number): string {
  return `skt${subnet}`;
}

function address(subnet: number, host: number): string {
  return `10.250.${subnet}.${host}`;
}

/** The name of the interface stands for the subnet: the kernel lets only one have it. */
async function claimSubnet(pid: number): Promise<number> {
  const start = process.pid % SUBNETS;
  let last = '';
  for (let tried = 0; tried < SUBNETS; tried++) {
    const subnet = (start + tried) % SUBNETS;
    const { code, stderr } = await exec(
      'ip',
      ['link', 'add', interfaceName(subnet), 'type', 'veth', 'peer', 'name', 'host', 'netns', String(pid)],
      { mayFail: true },
    );
    if (code === 0) return subnet;
    if (!stderr.includes('File exists')) throw new Error(`no veth for the test network: ${stderr.trim()}`);
    last = stderr;
  }
  throw new Error(`every test network is taken: ${last.trim()}`);
}

async function ip(lines: readonly string[], pid?: number): Promise<void> {
  const enter = pid === undefined ? [] : ['nsenter', '--net', '--target', String(pid)];
  const [command, ...args] = [...enter, 'ip', '-batch', '-'];
  await exec(command!, args, { input: lines.join('\n') });
}

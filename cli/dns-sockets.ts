// The sockets of cluster DNS, opened by whoever keeps the agent running and handed to each agent it starts: while none
// runs, questions wait in them. The parent must not read: Node has no public way to bind a datagram socket without
// reading from it, so that its inner handle is told; where a later Node hides it, the agent opens its own sockets.
import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import * as net from 'node:net';
import { promisify } from 'node:util';

export interface DnsSockets extends AsyncDisposable {
  /** Datagrams, then connections; for the agent descriptors 3 and 4. */
  readonly fds: readonly [udp: number, tcp: number];
  readonly port: number;
}

interface Handle {
  readonly fd: number;
  recvStop?(): void;
  close(): void;
}

const PORT = 53;
const run = promisify(execFile);

/** Puts the address on the loopback, as the agent would, and binds to it. Throws in words for the user. */
export async function openDnsSockets(address: string): Promise<DnsSockets> {
  const cidr = `${address}/${net.isIPv6(address) ? 128 : 32}`;
  await run('ip', ['addr', 'replace', cidr, 'dev', 'lo', 'scope', 'host'], { timeout: 10_000 });
  return holdDnsSockets(address, PORT);
}

/** Bound and left alone; with port 0 both get the same free one. */
export async function holdDnsSockets(address: string, port: number): Promise<DnsSockets> {
  const isV6 = net.isIPv6(address);
  const udp = createSocket(isV6 ? 'udp6' : 'udp4');
  try {
    const listening = once(udp, 'listening');
    // Told in the turn in which it begins to read, before anything can have arrived.
    udp.once('listening', () => handleOf(udp)?.recvStop?.());
    udp.bind(port, address);
    await listening;
    const handle = handleOf(udp);
    if (typeof handle?.recvStop !== 'function') throw new Error('this Node does not let go of a socket');
    const chosen = udp.address().port;
    const tcp = bound(address, chosen, isV6 ? 6 : 4);
    return {
      port: chosen,
      fds: [handle.fd, tcp.fd],
      async [Symbol.asyncDispose]() {
        tcp.close();
        udp.close();
        await once(udp, 'close');
      },
    };
  } catch (err) {
    udp.close();
    throw err;
  }
}

/** Bound and not listening: that is for who accepts. */
function bound(address: string, port: number, family: 4 | 6): Handle {
  type Create = (address: string, port: number, family: number, fd: undefined, flags: number) => Handle | number;
  const create = (net as unknown as { _createServerHandle?: Create })._createServerHandle;
  const made = create?.(address, port, family, undefined, 0);
  if (made === undefined) throw new Error('this Node does not let go of a socket');
  if (typeof made === 'number') throw new Error(`cannot bind ${address} port ${port} (${made})`);
  return made;
}

function handleOf(socket: Socket): Handle | undefined {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  return state && (socket as unknown as Record<symbol, { handle?: Handle }>)[state]?.handle;
}

const NAMES = 'dns-udp:dns-tcp';
const FIRST = 3;

/** What tells the agent of them: as systemd tells services of the sockets of their units. */
export const HANDED_OVER = { LISTEN_FDS: '2', LISTEN_FDNAMES: NAMES } as const;

/** The descriptors that were handed to this process; what it starts itself is not told of them. */
export function takeDnsSockets(env: NodeJS.ProcessEnv, pid: number): { udpFd: number; tcpFd: number } | undefined {
  const { LISTEN_FDS: count, LISTEN_FDNAMES: names, LISTEN_PID: meant } = env;
  for (const name of ['LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PID']) delete env[name];
  const isForUs = meant === undefined || Number(meant) === pid;
  if (!isForUs || names === undefined) return undefined;
  const at = (name: string) => names.split(':').slice(0, Number(count)).indexOf(name);
  const [udp, tcp] = [at('dns-udp'), at('dns-tcp')];
  return udp < 0 || tcp < 0 ? undefined : { udpFd: FIRST + udp, tcpFd: FIRST + tcp };
}

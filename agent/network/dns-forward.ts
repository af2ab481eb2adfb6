// agent/network: names outside the cluster: asks the servers of the node's resolv.conf, by UDP, by TCP when an answer
// does not fit, one after the other until one has an answer. Equal questions at one time are asked once.
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { connect, isIP, isIPv6 } from 'node:net';
import type { Clock } from '../../api/clock.ts';
import type { Random } from '../../api/random.ts';
import { DnsCache } from './dns-cache.ts';
import { encodeQuery, type Query } from './dns-wire.ts';

export interface Upstream {
  readonly host: string;
  readonly port: number;
}

export interface ForwarderOptions {
  /** Asked before each new question; cheap, for it changes rarely. */
  readonly upstreams: () => Promise<readonly Upstream[]>;
  readonly clock: Clock;
  readonly random: Random;
}

const TRY_MS = 2_000;
const ROUNDS = 2;
const IN_FLIGHT_MAX = 1_000;
const ANSWER_MAX_BYTES = 65_535;

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #cache = new DnsCache();
  readonly #inFlight = new Map<string, Promise<Buffer | undefined>>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** The answer with the query's id in place; undefined when nobody has answered. */
  async ask(query: Query, signal: AbortSignal): Promise<Buffer | undefined> {
    const { clock } = this.#options;
    const { name, type } = query.question;
    const flags = `${query.edns === undefined ? '-' : query.edns.dnssecOk ? 'D' : 'E'}${query.checkingDisabled ? 'C' : ''}`;
    const key = `${type} ${flags} ${name}`;
    const answer = this.#cache.get(key, clock.monotonic()) ?? (await this.#once(key, query, signal));
    if (answer === undefined) return undefined;
    // Shared by those who asked together, and each wants its own id and its own letters' case.
    const own = Buffer.from(answer);
    own.writeUInt16BE(query.id, 0);
    query.questionBytes.copy(own, 12);
    return own;
  }

  #once(key: string, query: Query, signal: AbortSignal): Promise<Buffer | undefined> {
    const running = this.#inFlight.get(key);
    if (running !== undefined) return running;
    if (this.#inFlight.size >= IN_FLIGHT_MAX) return Promise.resolve(undefined);
    const asking = this.#askAll(query, signal)
      .then((answer) => {
        if (answer !== undefined) this.#cache.set(key, answer, this.#options.clock.monotonic());
        return answer;
      })
      .finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, asking);
    return asking;
  }

  async #askAll(query: Query, signal: AbortSignal): Promise<Buffer | undefined> {
    const servers = await this.#options.upstreams();
    let refusal: Buffer | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of servers) {
        const answer = await this.#askOne(server, query, signal);
        if (answer === undefined) continue;
        const rcode = answer.readUInt16BE(2) & 15;
        // SERVFAIL and REFUSED are this server's trouble; another may know.
        if (rcode !== 2 && rcode !== 5) return answer;
        refusal = answer;
      }
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  async #askOne(server: Upstream, query: Query, signal: AbortSignal): Promise<Buffer | undefined> {
    const { clock, random } = this.#options;
    const id = random.bytes(2).readUInt16BE(0);
    const message = encodeQuery(query, id);
    const until = AbortSignal.any([signal, clock.deadline(TRY_MS)]);
    const fits = (answer: Buffer) =>
      answer.length >= 12 + query.questionBytes.length &&
      answer.readUInt16BE(0) === id &&
      (answer[2]! & 0x80) !== 0 &&
      answer.subarray(12, 12 + query.questionBytes.length).equals(query.questionBytes);
    try {
      const answer = await askUdp(server, message, fits, until);
      if ((answer.readUInt16BE(2) & 0x0200) === 0) return answer;
      const whole = await askTcp(server, message, until).catch(() => undefined);
      return whole !== undefined && fits(whole) ? whole : answer;
    } catch {
      signal.throwIfAborted();
      return undefined; // no answer in time, or nobody there: the next server is asked
    }
  }
}

/** A socket of its own for each question: a port that cannot be guessed, and errors that belong to this server. */
function askUdp(
  { host, port }: Upstream,
  message: Buffer,
  fits: (answer: Buffer) => boolean,
  signal: AbortSignal,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort);
  socket.on('error', reject);
  socket.on('message', (answer) => fits(answer) && resolve(answer));
  socket.connect(port, host, () => socket.send(message));
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    socket.close();
  });
}

function askTcp({ host, port }: Upstream, message: Buffer, signal: AbortSignal): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect({ host, port });
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort);
  let received = Buffer.alloc(0);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('closed')));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const length = received.length < 2 ? ANSWER_MAX_BYTES : received.readUInt16BE(0);
    if (received.length >= length + 2) resolve(Buffer.from(received.subarray(2, length + 2)));
  });
  const framed = Buffer.alloc(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  socket.end(framed);
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  });
}

/** The servers of a resolv.conf, without those that are ourselves (asking them would go in a circle). */
export function parseResolvConf(text: string, own: readonly string[]): Upstream[] {
  return text
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '')
    .filter((host) => isIP(host.split('%')[0]!) !== 0 && !own.includes(host))
    .map((host) => ({ host, port: 53 }));
}

const REREAD_MS = 5_000;

/** Reads the file again now and then, for DHCP rewrites it. */
export function resolvConfUpstreams(path: string, own: readonly string[], clock: Clock): ForwarderOptions['upstreams'] {
  let read: { at: number; upstreams: Promise<readonly Upstream[]> } | undefined;
  return () => {
    const now = clock.monotonic();
    if (read === undefined || now - read.at > REREAD_MS) {
      const upstreams = readFile(path, 'utf8').then(
        (text) => parseResolvConf(text, own),
        () => [],
      );
      read = { at: now, upstreams };
    }
    return read.upstreams;
  };
}

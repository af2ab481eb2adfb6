// agent/network: the cluster's DNS server for the pods of this node, by UDP and TCP. Names of the cluster come from
// memory (dns-records.ts), others from the node's servers (dns-forward.ts). The sockets can be somebody else's: who
// owns them (systemd, a parent) keeps them open while this process restarts, and questions wait in them.
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../../api/log.ts';
import type { Forwarder } from './dns-forward.ts';
import { answer, type DnsRecords, type ZoneConfig } from './dns-records.ts';
import {
  encodeError,
  encodeReply,
  parseQuery,
  type Query,
  RCODE,
  type Reply,
  type ResourceRecord,
  readRecords,
  TYPE,
  truncate,
} from './dns-wire.ts';

export interface DnsSockets {
  readonly udp: UdpSocket;
  readonly tcp: Server;
}

export type DnsListen =
  | { readonly host: string; readonly port: number }
  /** Sockets that are bound, and for TCP listening, already. */
  | { readonly udpFd: number; readonly tcpFd: number; readonly isV6?: boolean };

/** Opens both sockets; with port 0 both get the same free one. */
export async function openDnsSockets(listen: DnsListen): Promise<DnsSockets> {
  if ('udpFd' in listen) {
    const udp = createSocket(listen.isV6 ? 'udp6' : 'udp4');
    const tcp = createServer();
    // A bound descriptor is listened on at once, within the call.
    const ready = Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
    udp.bind({ fd: listen.udpFd });
    tcp.listen({ fd: listen.tcpFd });
    await ready;
    return { udp, tcp };
  }
  const { host, port } = listen;
  const tcp = createServer();
  tcp.listen(port, host);
  await once(tcp, 'listening');
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    udp.bind((tcp.address() as { port: number }).port, host);
    await once(udp, 'listening');
  } catch (err) {
    tcp.close();
    throw err;
  }
  return { udp, tcp };
}

export interface DnsOptions {
  readonly sockets: DnsSockets;
  readonly records: DnsRecords;
  readonly zone: ZoneConfig;
  readonly forwarder: Pick<Forwarder, 'ask'>;
  /** Resolves when all names are known, or when nobody should wait for that any longer. */
  readonly settled?: Promise<void>;
  readonly log: Logger;
}

function isNotKnownYet(found: ReturnType<typeof answer>, records: DnsRecords): boolean {
  return !records.complete && found !== 'forward' && found.rcode === RCODE.SERVFAIL;
}

const UDP_BYTES = 512;
const UDP_BYTES_MAX = 4_096;
const TCP_BYTES_MAX = 65_535;
const TCP_IDLE_MS = 10_000;
const TCP_CONNECTIONS_MAX = 200;
/** Questions of one connection that are answered at a time; more are not read until then. */
const TCP_PIPELINE_MAX = 32;
/** Questions that wait for other servers; beyond, they are dropped as the network drops them. */
const UNDER_WAY_MAX = 5_000;
const CHASE_MAX = 8;

export class DnsServer implements AsyncDisposable {
  readonly #options: DnsOptions;
  readonly #stop = new AbortController();
  readonly #connections = new Set<Socket>();
  readonly #working = new Set<Promise<void>>();

  constructor(options: DnsOptions) {
    this.#options = options;
    const { udp, tcp } = options.sockets;
    udp.on('message', (message, from) => {
      if (this.#working.size < UNDER_WAY_MAX) this.#track(this.#onDatagram(message, from));
    });
    udp.on('error', (err) => options.log.warn({ err }, 'DNS socket'));
    tcp.maxConnections = TCP_CONNECTIONS_MAX;
    tcp.on('connection', (socket) => this.#onConnection(socket));
  }

  /** The answer's bytes; undefined when there is nothing to say. */
  async respond(message: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const query = parseQuery(message);
    if (query === undefined) return undefined;
    if ('rcode' in query) return encodeError(query.id, query.rcode);
    const room = Math.min(UDP_BYTES_MAX, Math.max(UDP_BYTES, query.edns?.udpSize ?? UDP_BYTES));
    const maxBytes = transport === 'tcp' ? TCP_BYTES_MAX : room;
    // BADVERS is beyond the four bits of the header; FORMERR says enough to fall back.
    if (query.edns !== undefined && query.edns.version !== 0)
      return encodeReply(query, failure(RCODE.FORMERR), maxBytes);
    const { records, zone, settled } = this.#options;
    let found = answer(query.question, records, zone);
    if (settled !== undefined && isNotKnownYet(found, records)) {
      await settled;
      found = answer(query.question, records, zone);
    }
    if (found === 'forward') return this.#forward(query, maxBytes);
    const whole = 'chase' in found ? await this.#chase(query, found, found.chase) : found;
    return encodeReply(query, rotated(whole, query.id), maxBytes);
  }

  async #forward(query: Query, maxBytes: number): Promise<Buffer> {
    const answered = await this.#options.forwarder.ask(query, this.#stop.signal);
    if (answered === undefined) return encodeReply(query, failure(RCODE.SERVFAIL), maxBytes);
    // Recursion is available here, whatever the other server said of itself.
    answered[3]! |= 0x80;
    return answered.length <= maxBytes ? answered : truncate(answered);
  }

  /** Adds what an alias stands for: stub resolvers do not ask a second time. */
  async #chase(query: Query, reply: Reply, target: string): Promise<Reply> {
    let at = target;
    const answers = [...reply.answers];
    for (let i = 0; i < CHASE_MAX; i++) {
      const next = answer({ name: at, type: query.question.type }, this.#options.records, this.#options.zone);
      if (next === 'forward') return { ...reply, answers: [...answers, ...(await this.#askAbout(query, at))] };
      answers.push(...next.answers);
      if (!('chase' in next)) return { ...reply, answers };
      at = next.chase;
    }
    return failure(RCODE.SERVFAIL);
  }

  async #askAbout(query: Query, name: string): Promise<ResourceRecord[]> {
    const questionBytes = questionOf(name, query.question.type);
    const inner: Query = { ...query, question: { name, type: query.question.type }, questionBytes, edns: undefined };
    const answered = await this.#options.forwarder.ask(inner, this.#stop.signal);
    return answered === undefined ? [] : addressesIn(answered, name);
  }

  async #onDatagram(message: Buffer, from: RemoteInfo): Promise<void> {
    const reply = await this.respond(message, 'udp');
    if (reply === undefined || this.#stop.signal.aborted) return;
    // A lost answer is asked for again; the error says only that the client has gone.
    this.#options.sockets.udp.send(reply, from.port, from.address, () => {});
  }

  #onConnection(socket: Socket): void {
    this.#connections.add(socket);
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    this.#track(this.#serve(socket));
  }

  async #serve(socket: Socket): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    const answering = new Set<Promise<void>>();
    try {
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
          const end = 2 + rest.readUInt16BE(0);
          const work = this.#answerOn(socket, rest.subarray(2, end)).finally(() => answering.delete(work));
          answering.add(work);
          rest = rest.subarray(end);
          if (answering.size >= TCP_PIPELINE_MAX) await Promise.race(answering);
          // Who does not read answers asks nothing more.
          if (socket.writableNeedDrain) await drained(socket);
        }
      }
      await Promise.all(answering);
      socket.end();
    } catch {
      socket.destroy(); // the client went away in the middle
    }
  }

  async #answerOn(socket: Socket, message: Buffer): Promise<void> {
    const reply = await this.respond(message, 'tcp');
    if (reply === undefined || socket.destroyed) return;
    const framed = Buffer.alloc(reply.length + 2);
    framed.writeUInt16BE(reply.length, 0);
    reply.copy(framed, 2);
    socket.write(framed);
  }

  #track(work: Promise<void>): void {
    const done: Promise<void> = work
      .catch((err) => {
        if (!this.#stop.signal.aborted) this.#options.log.error({ err }, 'DNS question not answered');
      })
      .finally(() => this.#working.delete(done));
    this.#working.add(done);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const { udp, tcp } = this.#options.sockets;
    const closed = [once(udp, 'close'), once(tcp, 'close')];
    udp.close();
    tcp.close();
    for (const socket of this.#connections) socket.destroy();
    await Promise.all([...closed, ...this.#working]);
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

function failure(rcode: number): Reply {
  return { rcode, authoritative: false, answers: [], authority: [], additional: [] };
}

/** Another endpoint first each time: many clients take the first. The id is the client's chance, so this needs none. */
function rotated(reply: Reply, id: number): Reply {
  const { answers } = reply;
  if (answers.length < 2 || answers.some(({ data }) => data.type === 'CNAME')) return reply;
  const by = id % answers.length;
  return { ...reply, answers: [...answers.slice(by), ...answers.slice(0, by)] };
}

function questionOf(name: string, type: number): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]);
  return Buffer.from([...labels, 0, type >> 8, type & 255, 0, 1]);
}

/** The addresses in another server's answer, under the name that was asked for (the links between are left out). */
function addressesIn(message: Buffer, name: string): ResourceRecord[] {
  return (readRecords(message) ?? []).flatMap(({ section, record }): ResourceRecord[] => {
    const type = record.type === TYPE.A ? 'A' : record.type === TYPE.AAAA ? 'AAAA' : undefined;
    if (section !== 1 || type === undefined) return [];
    const address = new Uint8Array(message.subarray(record.dataAt, record.end));
    return [{ name, ttl: message.readUInt32BE(record.ttlAt), data: { type, address } }];
  });
}

// Calls to a cluster of etcd servers: one channel per server, the one that answered last first, the next one when it
// does not. gRPC is loaded here and only when etcd is the store: it costs memory that a single server need not spend.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity as checkIdentity, type PeerCertificate } from 'node:tls';
import type { Client, ClientDuplexStream, Metadata, ServiceDefinition } from '@grpc/grpc-js';
import { assetPath } from '../../api/assets.ts';
import type { Clock } from '../../api/clock.ts';
import { CompactedError, LeaseNotFoundError, NoSpaceError, OutcomeUnknownError, UnavailableError } from './store.ts';

export interface EtcdEndpoints {
  /** https://host:port each, or http://. */
  readonly endpoints: readonly string[];
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

const CALL_MS = 10_000;
/** For the first of several tries: what a member was given for a leader that is gone is lost, and it waits 7 s to say so. */
const FIRST_TRY_MS = 2_500;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;
const MESSAGE_MAX_BYTES = 256 << 20;
const OPTIONS = {
  'grpc.max_receive_message_length': MESSAGE_MAX_BYTES,
  'grpc.max_send_message_length': MESSAGE_MAX_BYTES,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A server that is gone without a word is noticed: watches are silent for long.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 5_000,
};
const [INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, OUT_OF_RANGE, INTERNAL, UNAVAILABLE] = [3, 4, 5, 11, 13, 14];
const RESOURCE_EXHAUSTED = 8;
const CANCELLED = 1;
const UNKNOWN = 2;

type Service = 'KV' | 'Watch' | 'Lease' | 'Maintenance';
interface Server {
  readonly endpoint: string;
  readonly client: Client;
}

/** Whether a call may be made again when nobody knows what became of it. */
export type Repeat = 'freely' | 'never';

export class EtcdClient implements Disposable {
  readonly #servers: readonly Server[];
  readonly #services: Record<Service, ServiceDefinition>;
  readonly #clock: Clock;
  readonly #leaderOnly: Metadata;
  #current = 0;

  private constructor(
    servers: readonly Server[],
    services: Record<Service, ServiceDefinition>,
    leaderOnly: Metadata,
    clock: Clock,
  ) {
    this.#leaderOnly = leaderOnly;
    this.#servers = servers;
    this.#services = services;
    this.#clock = clock;
  }

  static async connect(to: EtcdEndpoints, clock: Clock): Promise<EtcdClient> {
    const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
    const definition = await loader.load(assetPath('proto/etcd.proto'), {
      keepCase: true,
      longs: String,
      enums: String,
      defaults: true,
      oneofs: false,
    });
    const service = (name: Service) => definition[`etcdserverpb.${name}`] as ServiceDefinition;
    const servers = to.endpoints.map((endpoint): Server => {
      const { protocol, host, hostname } = new URL(endpoint);
      if (protocol !== 'https:')
        return { endpoint, client: new grpc.Client(host, grpc.credentials.createInsecure(), OPTIONS) };
      const place = hostname.replace(/^\[|\]$/g, '');
      const checkServerIdentity = (_name: string, cert: PeerCertificate) => checkIdentity(place, cert);
      const [ca, key, cert] = [read(to.caFile), read(to.keyFile), read(to.certFile)];
      const credentials = grpc.credentials.createSsl(ca, key, cert, { checkServerIdentity });
      // Node refuses an address as TLS server name, which is what grpc-js would ask for. Any name does instead, since
      // the certificate is held against the endpoint here.
      const name = isIP(place) === 0 ? place : 'etcd';
      const options = { ...OPTIONS, 'grpc.ssl_target_name_override': name };
      return { endpoint, client: new grpc.Client(host, credentials, options) };
    });
    if (servers.length === 0) throw new RangeError('no etcd endpoint is given');
    const services = {
      KV: service('KV'),
      Watch: service('Watch'),
      Lease: service('Lease'),
      Maintenance: service('Maintenance'),
    };
    // A member that lost its leader ends the streams that say this, instead of leaving them silent.
    const leaderOnly = new grpc.Metadata();
    leaderOnly.set('hasleader', 'true');
    return new EtcdClient(servers, services, leaderOnly, clock);
  }

  /**
   * Asks one server after the other for a while. A call that may have been carried out is only made again when that
   * does no harm; otherwise it fails with OutcomeUnknownError.
   */
  async call<T>(service: Service, method: string, request: object, repeat: Repeat, signal?: AbortSignal): Promise<T> {
    const until = this.#clock.monotonic() + CALL_MS;
    let tryMs = repeat === 'freely' ? FIRST_TRY_MS : CALL_MS;
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      const at = this.#current;
      const leftMs = Math.max(1, until - this.#clock.monotonic());
      try {
        return (await this.#once(at, service, method, request, Math.min(tryMs, leftMs), signal)) as T;
      } catch (err) {
        signal?.throwIfAborted();
        const { code, details } = grpcError(err);
        if (!isTransient(code, details)) throw translated(err);
        this.#turnFrom(at);
        if (repeat === 'never' && !neverSent(code, details)) {
          throw new OutcomeUnknownError(`etcd did not say what became of a write: ${details}`, { cause: err });
        }
        if (this.#clock.monotonic() + waitMs > until) {
          const places = this.#servers.map(({ endpoint }) => endpoint).join(', ');
          throw new UnavailableError(`etcd does not answer (${places}): ${details}`, { cause: err });
        }
        if (code === DEADLINE_EXCEEDED) tryMs *= 2;
        await this.#clock.sleep(waitMs, signal);
      }
    }
  }

  #once(at: number, service: Service, method: string, request: object, ms: number, signal?: AbortSignal) {
    const { client } = this.#servers[at]!;
    const rpc = this.#services[service][method]!;
    const deadline = this.#clock.now() + ms;
    return new Promise<unknown>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = rpc;
      const under = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline },
        (err, answer) => {
          signal?.removeEventListener('abort', cancel);
          if (err === null) resolve(answer);
          else reject(err);
        },
      );
      const cancel = () => under.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** A stream to the server that is believed to be well; tell `failed()` when it is not. */
  stream<Req, Res>(service: Service, method: string): { stream: ClientDuplexStream<Req, Res>; failed: () => void } {
    const at = this.#current;
    const rpc = this.#services[service][method]!;
    const { path, requestSerialize, responseDeserialize } = rpc;
    const { client } = this.#servers[at]!;
    const stream = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      (bytes) => responseDeserialize(bytes) as Res,
      this.#leaderOnly,
    );
    return { stream, failed: () => this.#turnFrom(at) };
  }

  #turnFrom(at: number): void {
    if (this.#current === at) this.#current = (at + 1) % this.#servers.length;
  }

  [Symbol.dispose](): void {
    for (const { client } of this.#servers) client.close();
  }
}

function read(path: string | undefined): Buffer | null {
  return path === undefined ? null : readFileSync(path);
}

export function grpcError(err: unknown): { code: number; details: string } {
  const { code, details, message } = (err ?? {}) as { code?: unknown; details?: string; message?: string };
  return { code: typeof code === 'number' ? code : UNKNOWN, details: details || message || String(err) };
}

function isTransient(code: number, details: string): boolean {
  if (code === UNAVAILABLE || code === DEADLINE_EXCEEDED || code === CANCELLED || code === INTERNAL) return true;
  return code === UNKNOWN && /leader|stopped|timed out/.test(details);
}

/** The request cannot have reached a leader: there was no connection, or the server said that there is no leader. */
function neverSent(code: number, details: string): boolean {
  return code === UNAVAILABLE && /No connection established|ECONNREFUSED|Name resolution|no leader/.test(details);
}

function translated(err: unknown): Error {
  const { code, details } = grpcError(err);
  if (code === OUT_OF_RANGE && details.includes('compacted')) return new CompactedError(0);
  if (code === NOT_FOUND && details.includes('lease')) return new LeaseNotFoundError('given');
  if (code === RESOURCE_EXHAUSTED && /space exceeded/.test(details)) {
    return new NoSpaceError(`etcd refuses writes: ${details}`, { cause: err });
  }
  if (code === RESOURCE_EXHAUSTED) return new UnavailableError(`etcd refuses writes: ${details}`, { cause: err });
  if (code === INVALID_ARGUMENT) return new RangeError(`etcd refuses the request: ${details}`, { cause: err });
  return new Error(`etcd: ${details}`, { cause: err });
}

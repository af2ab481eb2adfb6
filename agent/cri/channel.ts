// The gRPC channel to the runtime's socket. grpc-js and the protocol files are loaded at the first call, not at the
// start: they cost a fifth of the process's memory. The channel reconnects by itself, quickly: a restarted runtime
// must not keep pods waiting for gRPC's default back-off of up to two minutes.
import type { Client, Metadata, ServiceDefinition } from '@grpc/grpc-js';
import type { Rpc } from './call.ts';
import { protocol } from './protocol.ts';

// As large as upstream allows: a node full of containers lists in one message.
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 1_000;

export type Decode = (bytes: Buffer) => unknown;

interface Loaded {
  readonly client: Client;
  readonly metadata: Metadata;
  readonly service: ServiceDefinition;
  readonly decoder: (message: string) => Decode;
}

export class Channel implements Disposable {
  readonly #socket: string;
  readonly #proto: string;
  readonly #service: string;
  readonly #headers: Readonly<Record<string, string>>;
  #loaded: Promise<Loaded> | undefined;

  /** `proto` is the path of a file of proto/, `service` its full name; `headers` go with every call. */
  constructor(socket: string, proto: string, service: string, headers: Readonly<Record<string, string>> = {}) {
    this.#socket = socket;
    this.#proto = proto;
    this.#service = service;
    this.#headers = headers;
  }

  unary<Req, Res>(method: string): Rpc<Req, Res> {
    return {
      method,
      invoke: async (request, signal) => {
        const { client, service, metadata } = await this.#open();
        const rpc = methodOf(service, method);
        signal.throwIfAborted();
        const { promise, resolve, reject } = Promise.withResolvers<Res>();
        const under = client.makeUnaryRequest(
          rpc.path,
          rpc.requestSerialize,
          rpc.responseDeserialize,
          request,
          metadata,
          (err, answer) => (err ? reject(err) : resolve(answer as Res)),
        );
        const cancel = () => under.cancel();
        signal.addEventListener('abort', cancel, { once: true });
        try {
          return await promise;
        } finally {
          signal.removeEventListener('abort', cancel);
        }
      },
    };
  }

  /** A server stream: it ends when the signal is aborted or the consumer leaves, and throws when the stream breaks. */
  async *stream<Req, Res>(method: string, request: Req, signal: AbortSignal): AsyncGenerator<Res, void, void> {
    const { client, service, metadata } = await this.#open();
    const rpc = methodOf(service, method);
    signal.throwIfAborted();
    const { requestSerialize, responseDeserialize } = rpc;
    const under = client.makeServerStreamRequest(rpc.path, requestSerialize, responseDeserialize, request, metadata);
    const cancel = () => under.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for await (const message of under) yield message as Res;
    } catch (err) {
      if (!signal.aborted) throw err;
    } finally {
      signal.removeEventListener('abort', cancel);
      under.cancel();
    }
  }

  /** How a message that travels as bytes inside another one is read. */
  async decoder(message: string): Promise<Decode> {
    return (await this.#open()).decoder(message);
  }

  [Symbol.dispose]() {
    this.#loaded?.then(({ client }) => client.close()).catch(() => {}); // never opened: nothing to close
  }

  #open(): Promise<Loaded> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  async #load(): Promise<Loaded> {
    const [grpc, definition] = await Promise.all([import('@grpc/grpc-js'), protocol(this.#proto)]);
    const service = definition[this.#service] as unknown as ServiceDefinition;
    const client = new grpc.Client(`unix://${this.#socket}`, grpc.credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
      'grpc.initial_reconnect_backoff_ms': RECONNECT_MIN_MS,
      'grpc.min_reconnect_backoff_ms': RECONNECT_MIN_MS,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.use_local_subchannel_pool': 1,
    });
    const decoder = (message: string) => {
      const type = definition[message] as unknown as { deserialize: Decode } | undefined;
      if (type === undefined) throw new Error(`no message ${message} in ${this.#proto}`);
      return type.deserialize;
    };
    const metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(this.#headers)) metadata.set(name, value);
    return { client, metadata, service, decoder };
  }
}

function methodOf(service: ServiceDefinition, method: string) {
  const found = service[method];
  if (found === undefined) throw new Error(`the protocol has no method ${method}`);
  return found;
}

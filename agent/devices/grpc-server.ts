// A gRPC service on a socket of ours, for the software of a node that talks to its kubelet. A handler is a function
// from request to answer; what it throws is the caller's status message.
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Server, ServerUnaryCall, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import { protocol } from '../cri/protocol.ts';

export type Handler = (request: never) => unknown;

/** What a handler throws to answer with another code than UNKNOWN: the number is gRPC's. */
export class GrpcFailure extends Error {
  override readonly name = 'GrpcFailure';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
export const NOT_FOUND = 5;

export interface GrpcServerOptions {
  readonly socket: string;
  readonly proto: string;
  readonly service: string;
  readonly handlers: Readonly<Record<string, Handler>>;
}

const UNKNOWN = 2;

export class GrpcServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #socket: string;

  private constructor(server: Server, socket: string) {
    this.#server = server;
    this.#socket = socket;
  }

  static async start({ socket, proto, service, handlers }: GrpcServerOptions): Promise<GrpcServer> {
    const [grpc, definition] = await Promise.all([import('@grpc/grpc-js'), protocol(proto)]);
    const server = new grpc.Server();
    const unary = (handle: Handler) => (call: ServerUnaryCall<never, unknown>, answer: sendUnaryData<unknown>) => {
      const work = async () => handle(call.request);
      work().then(
        (value) => answer(null, value),
        (err) => answer({ code: err instanceof GrpcFailure ? err.code : UNKNOWN, details: textOf(err) }),
      );
    };
    const methods = Object.entries(handlers).map(([method, handle]) => [method, unary(handle)] as const);
    server.addService(definition[service] as unknown as ServiceDefinition, Object.fromEntries(methods) as never);
    await mkdir(dirname(socket), { recursive: true, mode: 0o750 });
    // Of a process before this one. Whoever watches the folder sees that we are new.
    await rm(socket, { force: true });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const ready = (err: Error | null, port: number) => (err === null ? resolve(port) : reject(err));
    server.bindAsync(`unix://${socket}`, grpc.ServerCredentials.createInsecure(), ready);
    await promise;
    await chmod(socket, 0o600);
    return new GrpcServer(server, socket);
  }

  async [Symbol.asyncDispose]() {
    this.#server.forceShutdown();
    await rm(this.#socket, { force: true });
  }
}

function textOf(err: unknown): string {
  return err instanceof Error ? err.message : String(err);
}

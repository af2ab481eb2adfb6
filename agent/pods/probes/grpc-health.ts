// The standard health service of gRPC, as a probe. Its two messages are so small that they are written by hand:
// request field 1 is the service's name, answer field 1 is the status, 1 meaning that it serves.
import type { Outcome } from './handlers.ts';

const METHOD = '/grpc.health.v1.Health/Check';
const STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const UNIMPLEMENTED = 12;
const STRING_FIELD_1 = 0x0a;
const VARINT_FIELD_1 = 0x08;

export async function grpcHealth(
  address: string,
  service: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const { Client, credentials } = await import('@grpc/grpc-js');
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.primary_user_agent': 'kube-probe/1.36',
  });
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const under = client.makeUnaryRequest(METHOD, encode, decode, service, (err, status) => {
    if (err === null) resolve(judge(status ?? 0));
    else if (signal.aborted) resolve(late(address, timeoutMs));
    else if (err.code === UNIMPLEMENTED) resolve(failed('this server does not implement the grpc health protocol'));
    else resolve(failed(`${err.details}`));
  });
  const cancel = () => under.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', cancel);
    client.close();
  }
}

function judge(status: number): Outcome {
  const name = STATUS[status] ?? String(status);
  if (name === 'SERVING') return { result: 'success', output: 'service healthy' };
  return failed(`service unhealthy (responded with "${name}")`);
}

function late(address: string, timeoutMs: number): Outcome {
  const within = `${timeoutMs / 1_000}s`;
  return failed(`timeout: failed to connect service "${address}" within ${within}: context deadline exceeded`);
}

function failed(output: string): Outcome {
  return { result: 'failure', output };
}

function encode(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length === 0) return Buffer.alloc(0);
  return Buffer.concat([Buffer.from([STRING_FIELD_1, ...varint(name.length)]), name]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function decode(bytes: Buffer): number {
  return bytes[0] === VARINT_FIELD_1 ? (bytes[1] ?? 0) : 0;
}

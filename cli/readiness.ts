// Whether the cluster is up, asked of the API as a client would. After a restart the Node object still says what it
// said before, so only what was reported since we started counts.

import { Transport } from '../api/client/transport.ts';
import type { Clock } from '../api/clock.ts';
import { readAdmin } from './pki.ts';

export interface NodeView {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly NodeCondition[] };
}

interface NodeCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastHeartbeatTime?: string | null;
}

export interface LeaseView {
  readonly spec?: { readonly renewTime?: string | null };
}

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly waitingFor: string };

export function nodeReadiness(node: NodeView | undefined, lease: LeaseView | undefined, sinceMs: number): Readiness {
  if (node === undefined) return { ready: false, waitingFor: 'the node has not registered' };
  const condition = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (condition === undefined) return { ready: false, waitingFor: 'the node has not reported its state' };
  if (condition.status !== 'True') {
    return {
      ready: false,
      waitingFor: `the node is not ready: ${condition.message || condition.reason || condition.status}`,
    };
  }
  const seen = [condition.lastHeartbeatTime, lease?.spec?.renewTime].map((time) => (time ? Date.parse(time) : 0));
  // Heartbeats are written to the second, rounded down.
  if (Math.max(...seen) + 1_000 <= sinceMs)
    return { ready: false, waitingFor: 'the node has not reported since the start' };
  return { ready: true };
}

export class ApiProbe implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #clock: Clock;

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  static async open(server: string, pkiDir: string, clock: Clock): Promise<ApiProbe> {
    const { caPem, certPem, keyPem } = await readAdmin(pkiDir);
    const credentials = () => ({ ca: caPem, cert: certPem, key: keyPem });
    return new ApiProbe(new Transport({ server, credentials, userAgent: 'skiff', clock }), clock);
  }

  /** The answer's status and text; a server that cannot be reached answers 0. */
  async get(path: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
    try {
      const deadline = AbortSignal.any([signal, this.#clock.deadline(5_000)]);
      const { status, body } = await this.#transport.request(
        { method: 'GET', path, headers: { accept: 'application/json' } },
        deadline,
      );
      const chunks: Buffer[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return { status, text: Buffer.concat(chunks).toString() };
    } catch (err) {
      signal.throwIfAborted();
      return { status: 0, text: reasonOf(err) };
    }
  }

  async readiness(nodeName: string, sinceMs: number, signal: AbortSignal): Promise<Readiness> {
    const api = await this.get('/readyz', signal);
    if (api.status === 0) return { ready: false, waitingFor: `the API does not answer: ${api.text}` };
    if (api.status !== 200) return { ready: false, waitingFor: `the API is not ready: ${api.text.trim()}` };
    const node = await this.#object<NodeView>(`/api/v1/nodes/${nodeName}`, signal);
    const lease = await this.#object<LeaseView>(
      `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${nodeName}`,
      signal,
    );
    return nodeReadiness(node, lease, sinceMs);
  }

  async #object<T>(path: string, signal: AbortSignal): Promise<T | undefined> {
    const { status, text } = await this.get(path, signal);
    return status === 200 ? (JSON.parse(text) as T) : undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#transport[Symbol.asyncDispose]();
  }
}

function reasonOf(err: unknown): string {
  const innermost = (at: unknown): string =>
    at instanceof Error && at.cause !== undefined ? innermost(at.cause) : String((at as Error).message);
  return innermost(err);
}

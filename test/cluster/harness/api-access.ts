// Plain requests to a cluster's API from the test process, as the administrator: for polling and for facts that are
// read often, where a kubectl per look would cost more than what is tested.
import { Agent, request } from 'node:https';

export interface AdminAccess {
  /** https://address:port */
  server: string;
  caPem: string;
  certPem: string;
  keyPem: string;
}

export interface ApiAnswer {
  status: number;
  /** Parsed where it is JSON, else the text. */
  body: unknown;
}

export class ApiAccess implements Disposable {
  readonly #admin: AdminAccess;
  readonly #agent: Agent;

  constructor(admin: AdminAccess) {
    this.#admin = admin;
    this.#agent = new Agent({
      ca: admin.caPem,
      cert: admin.certPem,
      key: admin.keyPem,
      keepAlive: true,
      maxSockets: 4,
    });
  }

  async call(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<ApiAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const outgoing = request(`${this.#admin.server}${path}`, {
      method,
      agent: this.#agent,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': contentType }) },
      signal: AbortSignal.timeout(10_000),
    });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isJson = answer.headers['content-type']?.startsWith('application/json') ?? false;
        resolve({ status: answer.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
      });
    });
    outgoing.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
    return promise;
  }

  /** The body of a GET; anything but 200 is an error. */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.call('GET', path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body as T;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

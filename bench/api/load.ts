// The process that asks: it takes jobs over IPC, runs so many clients on so many connections, and says how it went.
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { createGunzip } from 'node:zlib';
import { percentile } from '../figures.ts';
import { changed, podText } from './pods.ts';

export type Verb = 'create' | 'update' | 'apply' | 'get' | 'delete';

export interface WriteJob {
  readonly job: 'requests';
  readonly verb: Verb;
  readonly clients: number;
  /** Names are <prefix><from> to <prefix><to - 1>, dealt out to the clients. */
  readonly prefix: string;
  readonly from: number;
  readonly to: number;
  /** Rounds over the names until so much time is gone; one round when absent. */
  readonly seconds?: number;
  /** Requests of all clients together; as fast as they can when absent. */
  readonly perSecond?: number;
  /** Created pods are bound to so many nodes: node-0, node-1 ... */
  readonly nodes?: number;
}
/** Whatever else there has to be: each body is posted once. */
export interface PostJob {
  readonly job: 'post';
  readonly path: string;
  readonly bodies: readonly string[];
}
export interface ListJob {
  readonly job: 'list';
  readonly times: number;
  readonly limit: number;
  readonly gzip: boolean;
}
export interface WatchJob {
  readonly job: 'watch';
  readonly watchers: number;
  readonly writes: WriteJob;
}
export type Job = WriteJob | ListJob | WatchJob | PostJob;

export interface Outcome {
  readonly count: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of lists: bytes that came over the wire, and items. */
  readonly bytes?: number;
  readonly items?: number;
  /** Of watches. */
  readonly events?: number;
  readonly lost?: number;
  readonly disordered?: number;
  readonly seenP99Ms?: number;
  /** Frames the server made for each write; undefined where it does not say. */
  readonly encodings?: number;
}

const CONNECTIONS = 4;
const PODS = '/api/v1/namespaces/default/pods';
const [base = '', caFile = '', certFile = '', keyFile = ''] = process.argv.slice(2);
const tls = { ca: readFileSync(caFile), cert: readFileSync(certFile), key: readFileSync(keyFile) };

function session(): ClientHttp2Session {
  const made = connect(base, { ...tls, settings: { initialWindowSize: 1 << 24 } });
  made.on('connect', () => made.setLocalWindowSize(1 << 24));
  made.on('error', (err) => console.error(err));
  return made;
}

const sessions = Array.from({ length: CONNECTIONS }, session);
/** The last state of each pod that was written: what an update sends back. */
const states = new Map<string, string>();
let change = 0;

function ask(to: ClientHttp2Session, headers: Record<string, string>, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = to.request({ 'user-agent': 'bench', ...headers }, { endStream: body === undefined });
    let status = 0;
    const chunks: Buffer[] = [];
    stream.on('response', (head) => {
      status = Number(head[':status']);
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      if (status < 300) resolve(text);
      else reject(new Error(`${headers[':method']} ${headers[':path']}: ${status} ${text.slice(0, 500)}`));
    });
    if (body !== undefined) stream.end(body);
  });
}

async function one(verb: Verb, name: string, via: ClientHttp2Session, nodeName?: string): Promise<void> {
  const json = { 'content-type': 'application/json' };
  switch (verb) {
    case 'create':
      states.set(name, await ask(via, { ...json, ':method': 'POST', ':path': PODS }, podText(name, 0, nodeName)));
      return;
    case 'update': {
      const next = changed(states.get(name) ?? podText(name), ++change);
      states.set(name, await ask(via, { ...json, ':method': 'PUT', ':path': `${PODS}/${name}` }, next));
      return;
    }
    case 'apply': {
      const headers = { 'content-type': 'application/apply-patch+yaml', ':method': 'PATCH' };
      await ask(via, { ...headers, ':path': `${PODS}/${name}?fieldManager=bench` }, podText(name, ++change));
      return;
    }
    case 'get':
      await ask(via, { ':method': 'GET', ':path': `${PODS}/${name}` });
      return;
    case 'delete':
      await ask(via, { ':method': 'DELETE', ':path': `${PODS}/${name}` });
      states.delete(name);
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function requests(job: WriteJob, acked?: (name: string) => void): Promise<Outcome> {
  const { verb, clients, prefix, from, to, seconds, perSecond, nodes } = job;
  const began = performance.now();
  const until = began + (seconds ?? 3_600) * 1_000;
  const waits: number[] = [];
  let sent = 0;
  const client = async (n: number) => {
    const via = sessions[n % sessions.length]!;
    do {
      for (let i = from + n; i < to && performance.now() < until; i += clients) {
        if (perSecond !== undefined) {
          const due = began + (sent++ / perSecond) * 1_000 - performance.now();
          if (due > 0) await sleep(due);
        }
        const asked = performance.now();
        await one(verb, `${prefix}${i}`, via, nodes === undefined ? undefined : `node-${i % nodes}`);
        acked?.(`${prefix}${i}`);
        waits.push(performance.now() - asked);
      }
    } while (seconds !== undefined && performance.now() < until);
  };
  await Promise.all(Array.from({ length: clients }, (_, n) => client(n)));
  const elapsed = (performance.now() - began) / 1_000;
  return { count: waits.length, seconds: elapsed, p50Ms: percentile(waits, 0.5), p99Ms: percentile(waits, 0.99) };
}

async function list({ times, limit, gzip }: ListJob): Promise<Outcome> {
  const waits: number[] = [];
  let bytes = 0;
  let items = 0;
  const began = performance.now();
  for (let i = 0; i < times; i++) {
    let tookMs = 0;
    let token = '';
    do {
      const query = limit > 0 ? `?limit=${limit}${token && `&continue=${token}`}` : '';
      const page = await pageOf(`/api/v1/pods${query}`, gzip);
      bytes += page.bytes;
      token = page.token;
      items += page.items;
      tookMs += page.tookMs;
    } while (token !== '');
    waits.push(tookMs);
  }
  const seconds = (performance.now() - began) / 1_000;
  return { count: times, seconds, p50Ms: percentile(waits, 0.5), p99Ms: percentile(waits, 0.99), bytes, items };
}

async function post({ path, bodies }: PostJob): Promise<Outcome> {
  const began = performance.now();
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/json' };
  for (const body of bodies) await ask(sessions[0]!, headers, body);
  const seconds = (performance.now() - began) / 1_000;
  return { count: bodies.length, seconds, p50Ms: Number.NaN, p99Ms: Number.NaN };
}

const ITEM = '{"metadata":{"resourceVersion"';

/** One page, read as it comes; counted at its end, when nobody waits. */
async function pageOf(path: string, gzip: boolean) {
  const asked = performance.now();
  const headers = { ':path': path, 'user-agent': 'bench', ...(gzip && { 'accept-encoding': 'gzip' }) };
  const stream = sessions[0]!.request(headers);
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const chunks: Buffer[] = [];
  const source = gzip ? stream.pipe(createGunzip()) : stream;
  for await (const chunk of source as AsyncIterable<Buffer>) chunks.push(chunk);
  const tookMs = performance.now() - asked;
  const head = chunks[0]?.subarray(0, 1_000).toString() ?? '';
  const token = /"continue":"([^"]+)"/.exec(head)?.[1] ?? '';
  return { tookMs, bytes, token, items: Buffer.concat(chunks).toString('latin1').split(ITEM).length - 1 };
}

async function framesMade(): Promise<number> {
  const text = await ask(sessions[0]!, { ':path': '/metrics' });
  return Number(/^skiff_watch_frames_encoded_total (\d+)$/m.exec(text)?.[1]);
}

const REVISION = /"resourceVersion":"(\d+)"/;
const CHANGE = /"bench\/change":"c(\d+)"/;

/** Every watcher on a connection of its own: what it saw is compared with what was written. */
async function watch({ watchers, writes }: WatchJob): Promise<Outcome> {
  let events = 0;
  let disordered = 0;
  const seenMs: number[] = [];
  const ackedAt = new Map<string, number>();
  const seenAt = new Map<string, number>();
  const open = Array.from({ length: watchers }, (_, n) => {
    const own = session();
    const stream = own.request({ ':path': `${PODS}?watch=1&resourceVersion=`, 'user-agent': 'bench' });
    const state = { own, stream, count: 0, last: 0 };
    let rest: Buffer | undefined;
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      let at = 0;
      const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
        const revision = Number(REVISION.exec(bytes.toString('latin1', at, Math.min(end, at + 160)))?.[1]);
        if (bytes[at + 9] === 0x4d) {
          if (!(revision > state.last)) disordered++;
          state.count++;
          events++;
          if (writes.perSecond !== undefined && n === watchers - 1) {
            const id = CHANGE.exec(bytes.toString('latin1', at, end))?.[1] ?? '';
            const acked = ackedAt.get(id);
            // Seen before its writer had the answer is seen at once.
            if (acked === undefined) seenAt.set(id, performance.now());
            else seenMs.push(performance.now() - acked);
          }
        }
        state.last = Math.max(state.last, revision);
        at = end + 1;
      }
      rest = at === bytes.length ? undefined : bytes.subarray(at);
    });
    return state;
  });
  await Promise.all(open.map(({ stream }) => new Promise((resolve) => stream.once('response', resolve))));
  // Told what is there first: as long as something comes, it is not over.
  const settled = async () => {
    for (let before = -1, calm = 0; calm < 3; ) {
      const now = open.reduce((sum, { last, count }) => sum + last + count, 0);
      calm = now === before ? calm + 1 : 0;
      before = now;
      await sleep(100);
    }
  };
  await settled();
  const madeBefore = await framesMade();
  process.send!({ mark: true });
  const began = performance.now();
  const outcome = await requests(writes, (name) => {
    if (writes.perSecond === undefined) return;
    const id = CHANGE.exec(states.get(name) ?? '')?.[1] ?? '';
    ackedAt.set(id, performance.now());
    if (seenAt.has(id)) seenMs.push(0);
  });
  let deliveredMs = performance.now() - began;
  const want = outcome.count * watchers;
  for (const deadline = performance.now() + 10_000; events < want && performance.now() < deadline; ) {
    await sleep(2);
    deliveredMs = performance.now() - began;
  }
  for (const { own } of open) own.destroy();
  const encodings = ((await framesMade()) - madeBefore) / outcome.count;
  const seenP99Ms = percentile(seenMs, 0.99);
  return { ...outcome, seconds: deliveredMs / 1_000, events, lost: want - events, disordered, seenP99Ms, encodings };
}

function carryOut(job: Job): Promise<Outcome> {
  switch (job.job) {
    case 'list':
      return list(job);
    case 'watch':
      return watch(job);
    case 'post':
      return post(job);
    case 'requests':
      return requests(job);
  }
}

process.on('message', async (job: Job) => {
  try {
    process.send!({ outcome: await carryOut(job) });
  } catch (err) {
    process.send!({ failed: String(err) });
  }
});
await Promise.all(sessions.map((each) => new Promise((resolve) => each.once('connect', resolve))));
// Pods run as an account, which a controller would have made.
const account = JSON.stringify({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
const accounts = { ':method': 'POST', ':path': '/api/v1/namespaces/default/serviceaccounts' };
await ask(sessions[0]!, { ...accounts, 'content-type': 'application/json' }, account).catch((err: Error) => {
  if (!err.message.includes(': 409 ')) throw err;
});
process.send!({ ready: true });

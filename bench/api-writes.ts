// Single objects over HTTP/2 and TLS, durable: pods of 1.5 KB created, read, updated, applied, deleted by 64 clients,
// and the tail with 16. The server is a process of its own with the store on disk; the floor answers the same requests
// with prepared bytes after a bare write. CPU per 1,000 is the figure to trust.
import type { Verb } from './api/load.ts';
import { LONG, type Measured, openBench, type Target } from './api/process.ts';
import { table } from './figures.ts';

const PODS = LONG ? 20_000 : 4_000;
const SECONDS = LONG ? 10 : 2;
const GOALS: Record<Verb, { readonly cpu: number; readonly rate?: number }> = {
  create: { cpu: 0.3, rate: 2_500 },
  get: { cpu: 0.06 },
  update: { cpu: 0.4 },
  apply: { cpu: 0.8 },
  delete: { cpu: 0.4 },
};

interface Figures {
  readonly at64: Measured;
  readonly at16?: Measured;
}

async function measure(target: Target, pods: number, seconds: number): Promise<Record<Verb, Figures>> {
  const ask = (verb: Verb, clients: number, prefix: string, more: object = {}) =>
    target.run({ job: 'requests', verb, clients, prefix, from: 0, to: pods, ...more });
  // Both processes are measured warm.
  await ask('create', 64, 'warm-');
  await ask('update', 64, 'warm-', { seconds: 1 });
  const create = { at64: await ask('create', 64, 'pod-'), at16: await ask('create', 16, 'more-', { to: pods / 4 }) };
  await ask('get', 64, 'pod-', { seconds: 1 });
  const get = { at64: await ask('get', 64, 'pod-', { seconds }), at16: await ask('get', 16, 'pod-', { seconds: 1 }) };
  const update = {
    at64: await ask('update', 64, 'pod-', { seconds }),
    at16: await ask('update', 16, 'pod-', { seconds: 1 }),
  };
  await ask('apply', 64, 'applied-', { to: 500 });
  await ask('apply', 64, 'applied-', { to: 500, seconds: 1 });
  const apply = {
    at64: await ask('apply', 64, 'applied-', { to: 500, seconds }),
    at16: await ask('apply', 16, 'applied-', { to: 500, seconds: 1 }),
  };
  await ask('delete', 64, 'warm-');
  const deleted = { at64: await ask('delete', 64, 'pod-'), at16: await ask('delete', 16, 'more-', { to: pods / 4 }) };
  return { create, get, update, apply, delete: deleted };
}

const per1000 = ({ cpuSeconds, count }: Measured) => (cpuSeconds / count) * 1_000;

await using bench = await openBench();
const figures = await (async () => {
  await using server = await bench.server();
  return await measure(server, PODS, SECONDS);
})();
const floor = await (async () => {
  await using bare = await bench.floor();
  return await measure(bare, PODS / 4, 1);
})();
table(
  'single pods over HTTP/2 and TLS, embedded store on disk',
  Object.entries(figures).map(([name, { at64, at16 }]) => {
    const verb = name as Verb;
    const { cpu, rate } = GOALS[verb];
    const least = per1000(floor[verb].at64);
    return {
      verb,
      'per second': Math.round(at64.count / at64.seconds),
      wanted: rate ?? '',
      'CPU s per 1,000': per1000(at64),
      'at most': cpu,
      floor: least,
      'times the floor': per1000(at64) / least,
      'p99 ms, 16 clients': at16?.p99Ms ?? '',
      below: verb === 'get' ? '' : 15,
    };
  }),
);

// LIST of 5,000 pods through the API: whole, in pages of 500, packed with gzip. The floor sends as many prepared bytes
// from the same kind of listener.
import { LONG, type Measured, openBench, type Target } from './api/process.ts';
import { table } from './figures.ts';

const PODS = 5_000;
const TIMES = LONG ? 100 : 10;

async function fill(target: Target): Promise<void> {
  await target.run({ job: 'requests', verb: 'create', clients: 64, prefix: 'pod-', from: 0, to: PODS });
}

async function lists(target: Target, limit: number, gzip: boolean): Promise<Measured> {
  await target.run({ job: 'list', times: 3, limit, gzip });
  return target.run({ job: 'list', times: gzip ? TIMES / 5 : TIMES, limit, gzip });
}

await using bench = await openBench();
const [whole, paged, gzip] = await (async () => {
  await using server = await bench.server();
  await fill(server);
  return [await lists(server, 0, false), await lists(server, 500, false), await lists(server, 0, true)];
})();
const floor = await (async () => {
  await using bare = await bench.floor();
  await bare.run({ job: 'requests', verb: 'create', clients: 16, prefix: 'pod-', from: 0, to: 200 });
  return await lists(bare, 0, false);
})();
for (const { items = 0, count } of [whole, paged, gzip]) {
  if (items !== PODS * count) throw new Error(`${items / count} pods in a list of ${PODS}`);
}
const megabytes = ({ bytes = 0, count }: Measured) => bytes / count / 1e6;
const each = ({ cpuSeconds, count }: Measured) => cpuSeconds / count;
// The floor's pods are as sent; the server's carry what was defaulted and who set it.
const least = each(floor) / megabytes(floor);
const leastMs = floor.p50Ms / megabytes(floor);
const row = (name: string, one: Measured, ms: number, cpu: number) => ({
  list: name,
  'MB sent': megabytes(one),
  'median ms': one.p50Ms,
  'at most': ms,
  'floor ms': leastMs * megabytes(whole!),
  'CPU s': each(one),
  'no more than': cpu,
  'floor CPU s': least * megabytes(whole!),
});
table(`LIST of ${PODS} pods`, [
  row('whole', whole!, 50, 0.06),
  row('pages of 500', paged!, 100, 0.12),
  row('gzip', gzip!, 100, 0.12),
]);

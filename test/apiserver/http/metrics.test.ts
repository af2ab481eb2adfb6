import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../api/system.ts';
import { pods } from '../../../api/types/core/resources.ts';
import { Histogram } from '../../../apiserver/http/exposition.ts';
import { Metrics } from '../../../apiserver/http/metrics.ts';
import { NO_OPTIONS } from '../../../apiserver/registry/options.ts';
import type { ApiRequest } from '../../../apiserver/registry/request.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';
import { meter } from '../../../apiserver/store/metered.ts';

const textOf = (metrics: Metrics) => Buffer.concat([...metrics.answer().chunks]).toString();
const get = { verb: 'get', resource: pods, namespace: 'ns', name: 'p', options: NO_OPTIONS } as unknown as ApiRequest;

test('requests are counted by verb, resource, scope and code, and timed', () => {
  using metrics = new Metrics(0);
  metrics.request(get, 200, 0.01);
  metrics.request(get, 200, 0.3);
  metrics.request(get, 404, 0.001);
  metrics.page('GET', 200, 0.001);
  const text = textOf(metrics);
  const labels =
    'component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="GET",version="v1"';
  assert.ok(text.includes(`apiserver_request_total{code="200",${labels}} 2\n`), text);
  assert.ok(text.includes(`apiserver_request_total{code="404",${labels}} 1\n`));
  assert.ok(text.includes(`apiserver_request_duration_seconds_bucket{${labels},le="0.025"} 2\n`));
  assert.ok(text.includes(`apiserver_request_duration_seconds_count{${labels}} 3\n`));
  assert.match(text, /^process_resident_memory_bytes \d+$/m);
  assert.match(text, /^skiff_event_loop_delay_seconds\{quantile="0.99"\} /m);
});

test('a histogram counts what is above all of its bounds in +Inf alone', () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value);
  assert.deepEqual(histogram.samples('h', {}), [
    'h_bucket{le="1"} 2',
    'h_bucket{le="2"} 3',
    'h_bucket{le="+Inf"} 4',
    'h_sum 12',
    'h_count 4',
  ]);
});

test('a metered store answers as before and is timed', async () => {
  await using store = new MemoryStore(systemClock);
  const seen: string[] = [];
  meter(store, systemClock, (operation) => seen.push(operation));
  await store.txn({ compares: [], ops: [{ put: '/registry/a', value: Buffer.from('1') }] });
  assert.equal((await store.get('/registry/a'))?.value.toString(), '1');
  assert.deepEqual(seen, ['txn', 'get']);
});

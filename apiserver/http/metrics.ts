// What the server measures of itself, as Prometheus reads it: requests by verb, resource and code, what is open now,
// how long the event loop kept others waiting, memory.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Answer } from './answer.ts';

const LABELS = ['verb', 'group', 'resource', 'code'] as const;
type Request = Readonly<Record<(typeof LABELS)[number], string>>;

const NANOS = 1e9;
const QUANTILES = [50, 90, 99] as const;

export class Metrics implements Disposable {
  readonly #requests = new Map<string, { readonly labels: Request; count: number }>();
  readonly #loop = monitorEventLoopDelay({ resolution: 10 });
  inFlight = 0;
  watches = 0;

  constructor() {
    this.#loop.enable();
  }

  count(labels: Request): void {
    const key = LABELS.map((name) => labels[name]).join(' ');
    const known = this.#requests.get(key);
    if (known === undefined) this.#requests.set(key, { labels, count: 1 });
    else known.count++;
  }

  answer(): Answer {
    const { heapUsed, rss } = process.memoryUsage();
    const requests = [...this.#requests.values()].map(({ labels, count }) => {
      const pairs = LABELS.map((name) => `${name}="${labels[name]}"`);
      return `apiserver_request_total{${pairs.join(',')}} ${count}`;
    });
    const delays = QUANTILES.map((quantile) => {
      const seconds = this.#loop.percentile(quantile) / NANOS;
      return `skiff_event_loop_delay_seconds{quantile="${quantile / 100}"} ${seconds}`;
    });
    const text = [
      ...family('apiserver_request_total', 'counter', 'Requests answered.', requests),
      ...family('apiserver_current_inflight_requests', 'gauge', 'Requests being worked on, watches apart.', [
        `apiserver_current_inflight_requests ${this.inFlight}`,
      ]),
      ...family('apiserver_longrunning_requests', 'gauge', 'Open watches.', [
        `apiserver_longrunning_requests ${this.watches}`,
      ]),
      ...family('skiff_event_loop_delay_seconds', 'summary', 'How long a turn of the event loop waited.', delays),
      ...family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [`process_resident_memory_bytes ${rss}`]),
      ...family('nodejs_heap_used_bytes', 'gauge', 'Heap in use.', [`nodejs_heap_used_bytes ${heapUsed}`]),
    ];
    const bytes = Buffer.from(`${text.join('\n')}\n`);
    return {
      code: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      chunks: [bytes],
      length: bytes.length,
    };
  }

  [Symbol.dispose](): void {
    this.#loop.disable();
  }
}

function family(name: string, type: string, help: string, lines: readonly string[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

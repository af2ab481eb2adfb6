// What the server measures of itself, under upstream's names where upstream has one: requests by verb, resource and
// code and how long they took, what is open now, the store's answers, how long the event loop kept others waiting.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { groupResource } from '../../api/resource.ts';
import type { ApiRequest } from '../registry/request.ts';
import type { Answer } from './answer.ts';
import { encoded } from './encode.ts';
import { family, Histogram, type Labels, sample } from './exposition.ts';
import { processSamples } from './process-metrics.ts';

const NANOS = 1e9;
const QUANTILES = [50, 90, 99] as const;
const REQUEST_SECONDS = [
  ...[0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60],
];
const STORE_SECONDS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30];

/** Requests that differ in nothing but their answer. */
interface Series {
  readonly labels: Labels;
  readonly codes: Map<number, number>;
  readonly seconds: Histogram;
}

const VERBS = {
  ...{ get: 'GET', list: 'LIST', watch: 'WATCH', create: 'POST', update: 'PUT', patch: 'PATCH' },
  ...{ delete: 'DELETE', deletecollection: 'DELETECOLLECTION' },
} as const;
const MUTATING = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

export interface ObjectCount {
  readonly resource: string;
  readonly count: number;
}

export class Metrics implements Disposable {
  readonly #requests = new Map<string, Series>();
  readonly #store = new Map<string, Histogram>();
  readonly #loop = monitorEventLoopDelay({ resolution: 10 });
  readonly #startSeconds: number;
  /** How many objects there are, asked when somebody looks. */
  objects: () => Iterable<ObjectCount> = () => [];
  /** Requests being worked on, conversations apart. */
  reading = 0;
  writing = 0;
  conversations = 0;

  constructor(nowMs: number) {
    this.#startSeconds = nowMs / 1000;
    this.#loop.enable();
  }

  get inFlight(): number {
    return this.reading + this.writing;
  }

  static isMutating({ verb }: Pick<ApiRequest, 'verb'>): boolean {
    return MUTATING.has(verb);
  }

  request(request: ApiRequest, code: number, seconds: number): void {
    const { verb, resource, subresource = '', namespace, name, options } = request;
    const scope = name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster';
    const key = `${verb} ${resource.version} ${groupResource(resource)} ${subresource} ${scope} ${options.dryRun}`;
    let series = this.#requests.get(key);
    if (series === undefined) {
      const { group, version, plural } = resource;
      const labels = {
        ...{ component: 'apiserver', dry_run: options.dryRun ? 'All' : '', group, resource: plural, scope },
        ...{ subresource, verb: VERBS[verb], version },
      };
      series = this.#seriesOf(key, labels);
    }
    note(series, code, seconds);
  }

  /** A request for something that is no resource, or that came to nothing before it was known what it was for. */
  page(method: string, code: number, seconds: number): void {
    const none = { dry_run: '', group: '', resource: '', scope: '', subresource: '', version: '' };
    note(this.#seriesOf(method, { component: 'apiserver', ...none, verb: method }), code, seconds);
  }

  #seriesOf(key: string, labels: Labels): Series {
    const series = this.#requests.get(key) ?? { labels, codes: new Map(), seconds: new Histogram(REQUEST_SECONDS) };
    this.#requests.set(key, series);
    return series;
  }

  store(operation: string, seconds: number): void {
    const known = this.#store.get(operation) ?? new Histogram(STORE_SECONDS);
    this.#store.set(operation, known);
    known.observe(seconds);
  }

  answer(): Answer {
    const bytes = Buffer.from(`${this.#lines().join('\n')}\n`);
    return {
      code: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      chunks: [bytes],
      length: bytes.length,
    };
  }

  #lines(): string[] {
    const series = [...this.#requests.values()];
    const totals = series.flatMap(({ labels, codes }) =>
      [...codes].map(([code, count]) => sample('apiserver_request_total', { code: String(code), ...labels }, count)),
    );
    const times = series.flatMap(({ labels, seconds }) =>
      seconds.samples('apiserver_request_duration_seconds', labels),
    );
    const inFlight = (kind: string, count: number) =>
      sample('apiserver_current_inflight_requests', { request_kind: kind }, count);
    const delays = QUANTILES.map((quantile) => {
      const seconds = this.#loop.percentile(quantile) / NANOS;
      return sample('skiff_event_loop_delay_seconds', { quantile: String(quantile / 100) }, seconds);
    });
    const objects = [...this.objects()].map(({ resource, count }) =>
      sample('apiserver_storage_objects', { resource }, count),
    );
    const store = [...this.#store].flatMap(([operation, histogram]) =>
      histogram.samples('etcd_request_duration_seconds', { operation }),
    );
    return [
      ...family('apiserver_request_total', 'counter', 'Requests answered.', totals),
      ...family('apiserver_request_duration_seconds', 'histogram', 'From request to answer.', times),
      ...family('apiserver_current_inflight_requests', 'gauge', 'Requests being worked on, conversations apart.', [
        inFlight('mutating', this.writing),
        inFlight('readOnly', this.reading),
      ]),
      ...family('apiserver_longrunning_requests', 'gauge', 'Open watches and streams.', [
        sample('apiserver_longrunning_requests', { component: 'apiserver' }, this.conversations),
      ]),
      ...family('apiserver_storage_objects', 'gauge', 'Objects stored.', objects),
      ...family('etcd_request_duration_seconds', 'histogram', 'From question to answer of the store.', store),
      ...family('skiff_watch_frames_encoded_total', 'counter', 'Watch events encoded, once for all who watch.', [
        `skiff_watch_frames_encoded_total ${encoded.watchFrames}`,
      ]),
      ...family('skiff_event_loop_delay_seconds', 'summary', 'How long a turn of the event loop waited.', delays),
      ...processSamples(this.#startSeconds),
    ];
  }

  [Symbol.dispose](): void {
    this.#loop.disable();
  }
}

function note({ codes, seconds: histogram }: Series, code: number, seconds: number): void {
  codes.set(code, (codes.get(code) ?? 0) + 1);
  histogram.observe(seconds);
}

// What can be read: health, pods, statistics. Every page is made anew when it is asked for.
import type { AgentConfig } from '../config.ts';
import type { Container } from '../cri/types.ts';
import { LABEL } from '../pods/names.ts';
import type { PodStorage } from '../volumes/usage.ts';
import { type Answer, json, text } from './answer.ts';
import type { ServerDeps } from './deps.ts';
import {
  agentMetrics,
  cadvisorMetrics,
  claimMetrics,
  type ProbeCount,
  probeMetrics,
  resourceMetrics,
} from './metrics.ts';
import { exposition, type Family, METRICS_TYPE } from './prometheus.ts';
import type { Page } from './route.ts';
import type { Slots } from './slots.ts';
import type { Stats } from './stats.ts';
import { summaryOf } from './summary.ts';

export interface PagesDeps extends ServerDeps {
  readonly config: Pick<AgentConfig, 'nodeName'>;
  readonly stats: Stats;
  /** How full the volumes and logs of each pod are, by its UID. */
  readonly storage: (signal: AbortSignal) => Promise<ReadonlyMap<string, PodStorage>>;
  readonly streams: Slots;
  /** For /configz. */
  readonly configuration: object;
  /** What probes have said so far. */
  readonly probeCounts: () => Iterable<ProbeCount>;
  /** Image pulls under way. */
  readonly imagePulls?: () => readonly object[];
  /** What other rooms of the agent count. */
  readonly moreMetrics?: () => readonly Family[];
}

const STATES: Readonly<Record<Container['state'], string>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
};

export class Pages {
  readonly #deps: PagesDeps;
  readonly #startedMs: number;

  constructor(deps: PagesDeps) {
    this.#deps = deps;
    this.#startedMs = deps.clock.now();
  }

  async answer(page: Page, signal: AbortSignal): Promise<Answer> {
    const { pods, stats, storage, moreMetrics } = this.#deps;
    switch (page) {
      case '/configz':
        return json({ kubeletconfig: this.#deps.configuration });
      case '/healthz':
        return text('ok');
      case '/pods':
        return json({ ...POD_LIST, items: [...pods.pods()] });
      case '/runningpods':
        return json({ ...POD_LIST, items: await this.#running(signal) });
      case '/imagepulls':
        return json({ items: this.#deps.imagePulls?.() ?? [] });
      case '/stats/summary':
        return { type: 'application/json', body: summaryOf(await stats.usage(signal), await storage(signal)) };
      case '/metrics':
        return metrics([
          ...agentMetrics(await this.#facts(signal)),
          ...claimMetrics(pods.pods(), await storage(signal)),
          ...(moreMetrics?.() ?? []),
        ]);
      case '/metrics/resource':
        return metrics(resourceMetrics(await stats.usage(signal)));
      case '/metrics/cadvisor':
        return metrics(cadvisorMetrics(await stats.usage(signal)));
      case '/metrics/probes':
        return metrics(probeMetrics(this.#deps.probeCounts()));
      default:
        return page satisfies never;
    }
  }

  /** As the runtime sees them: what the API has never heard of is here too. */
  async #running(signal: AbortSignal) {
    const containers = await this.#deps.runtime.listContainers({}, signal);
    const byPod = new Map<string, Container[]>();
    for (const container of containers) {
      const uid = container.labels[LABEL.podUid];
      if (uid === undefined || container.state !== 'CONTAINER_RUNNING') continue;
      byPod.set(uid, [...(byPod.get(uid) ?? []), container]);
    }
    return Array.from(byPod, ([uid, all]) => ({
      metadata: { name: all[0]!.labels[LABEL.podName], namespace: all[0]!.labels[LABEL.podNamespace], uid },
      spec: {
        containers: all.map(({ labels, metadata, image }) => ({
          name: labels[LABEL.container] ?? metadata.name,
          image: image.userSpecifiedImage || image.image,
        })),
      },
      status: {},
    }));
  }

  async #facts(signal: AbortSignal) {
    const { config, runtime, streams } = this.#deps;
    const [sandboxes, all] = await Promise.all([runtime.listSandboxes({}, signal), runtime.listContainers({}, signal)]);
    const containers: Record<string, number> = {};
    for (const { state } of all) containers[STATES[state]] = (containers[STATES[state]] ?? 0) + 1;
    const { user, system } = process.cpuUsage();
    return {
      nodeName: config.nodeName,
      cpuSeconds: (user + system) / 1e6,
      residentBytes: process.memoryUsage.rss(),
      startedMs: this.#startedMs,
      containers,
      pods: sandboxes.filter(({ state }) => state === 'SANDBOX_READY').length,
      streams: streams.taken,
    };
  }
}

const POD_LIST = { kind: 'PodList', apiVersion: 'v1', metadata: {} };
const metrics = (families: readonly Family[]): Answer => ({ type: METRICS_TYPE, body: exposition(families) });

// Decisions of the scheduler per second, without any I/O: 2,000 pods onto 1,000 nodes in three zones. The floor is the
// least any scheduler must do for a pod that only asks for resources: compare numbers of each sampled node.
import { systemRandom } from '../api/system.ts';
import type { Node } from '../api/types/core/node.ts';
import type { Pod } from '../api/types/core/pod.ts';
import { decide, sampleSize } from '../apiserver/scheduler/decide.ts';
import { defaultPlugins } from '../apiserver/scheduler/plugins/index.ts';
import { podInfo } from '../apiserver/scheduler/pod-info.ts';
import { Snapshot } from '../apiserver/scheduler/snapshot.ts';
import { table } from './figures.ts';

const NODES = Number(process.env['NODES'] ?? 1000);
const PODS = Number(process.env['PODS'] ?? 2000);
const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';

function aNode(i: number): Node {
  const allocatable = { cpu: '16', memory: '64Gi', pods: '110' };
  const labels = { [HOSTNAME]: `n${i}`, [ZONE]: `z${i % 3}` };
  return { metadata: { name: `n${i}`, labels }, spec: {}, status: { allocatable } } as unknown as Node;
}

function aPod(i: number, more: object): Pod {
  const labels = { app: `a${i % 50}` };
  const resources = { requests: { cpu: '100m', memory: '128Mi' } };
  const metadata = { name: `p${i}`, namespace: 'default', uid: `${i}`, labels };
  return {
    metadata,
    spec: { containers: [{ name: 'c', image: 'app:1', resources }], ...more },
    status: {},
  } as unknown as Pod;
}

const own = (i: number) => ({ matchLabels: { app: `a${i % 50}` } });
const scenes: Record<string, { more?: (i: number) => object; service?: boolean }> = {
  'without wishes': {},
  'of a service, so spread softly': { service: true },
  'spread hard over zones': {
    more: (i) => ({
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: own(i) },
      ],
    }),
  },
  'kept apart by host': {
    more: (i) => ({
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: HOSTNAME, labelSelector: own(i) }],
        },
      },
    }),
  },
  'preferably near their like': {
    more: (i) => ({
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, podAffinityTerm: { topologyKey: ZONE, labelSelector: own(i) } },
          ],
        },
      },
    }),
  },
};

function run(
  more: (i: number) => object,
  service: boolean,
): { seconds: number; cpuSeconds: number; slowestMs: number } {
  const snapshot = new Snapshot();
  for (let i = 0; i < NODES; i++) snapshot.describeNode(aNode(i));
  if (service) {
    for (let i = 0; i < 50; i++)
      snapshot.groups.setService(`default/a${i}`, { namespace: 'default', selector: own(i).matchLabels });
  }
  const pods = Array.from({ length: PODS }, (_, i) => podInfo(aPod(i, more(i)), snapshot.names));
  const dice = () => systemRandom.float();
  let from = 0;
  let slowestMs = 0;
  const cpu = process.cpuUsage();
  const beganMs = performance.now();
  for (const pod of pods) {
    const atMs = performance.now();
    const verdict = decide(pod, snapshot, defaultPlugins, { dice, from });
    if (!verdict.fits) throw new Error(`${pod.key} fits nowhere`);
    from = (from + verdict.looked) % NODES;
    snapshot.assume(pod, verdict.node.name);
    slowestMs = Math.max(slowestMs, performance.now() - atMs);
  }
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - beganMs) / 1000, cpuSeconds: (user + system) / 1e6, slowestMs };
}

/** As few operations as a choice by free CPU and memory can have. */
function floorSeconds(): number {
  const free = Array.from({ length: NODES }, () => ({ cpu: 16_000, memory: 65_536, pods: 0 }));
  const sample = sampleSize(NODES);
  const beganMs = performance.now();
  for (let i = 0; i < PODS; i++) {
    let best = free[i % NODES]!;
    for (let n = 0; n < sample; n++) {
      const node = free[(i * sample + n) % NODES]!;
      if (node.cpu >= 100 && node.memory >= 128 && node.pods < 110 && node.cpu + node.memory > best.cpu + best.memory)
        best = node;
    }
    best.cpu -= 100;
    best.memory -= 128;
    best.pods++;
  }
  return (performance.now() - beganMs) / 1000;
}

run(() => ({}), false); // warm
const floor = floorSeconds();
table(
  `scheduler: ${PODS} pods onto ${NODES} nodes; floor ${Math.round(PODS / floor)} decisions/s`,
  Object.entries(scenes).map(([scene, { more = () => ({}), service = false }]) => {
    const { seconds, cpuSeconds, slowestMs } = run(more, service);
    return {
      'pods that are': scene,
      'decisions/s': Math.round(PODS / seconds),
      'CPU s per 1,000': (cpuSeconds / PODS) * 1000,
      'slowest ms': slowestMs,
      'times the floor': seconds / floor,
    };
  }),
);

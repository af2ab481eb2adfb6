// How far and how fast an autoscaler may go from where it is. Pure; the caller keeps what was recommended and done.
import type {
  HorizontalPodAutoscaler,
  HPAScalingRules,
} from '../../api/types/autoscaling/horizontal-pod-autoscaler.ts';

export interface Past {
  /** What the load asked for, newest last. */
  readonly recommended: readonly { readonly atMs: number; readonly replicas: number }[];
  /** What was done: positive for more. */
  readonly changes: readonly { readonly atMs: number; readonly by: number }[];
}

export interface Limited {
  readonly replicas: number;
  readonly able: { readonly reason: string; readonly message: string };
  readonly limited: { readonly is: boolean; readonly reason: string; readonly message: string };
}

/** Down is slow by default, so that a lull does not take away what is needed again at once. */
const DOWN_WINDOW_SECONDS = 300;
const UP: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const DOWN: HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

export function limitReplicas(
  { spec }: HorizontalPodAutoscaler,
  current: number,
  wanted: number,
  past: Past,
  nowMs: number,
): Limited {
  const up = spec.behavior?.scaleUp ?? UP;
  const down = spec.behavior?.scaleDown ?? DOWN;
  const calm = stabilize(current, wanted, up, down, past, nowMs);
  const { minReplicas = 1, maxReplicas } = spec;
  if (calm.replicas > current) {
    const fastest = Math.max(current, upLimit(current, up, past, nowMs));
    const most = Math.min(fastest, maxReplicas);
    if (calm.replicas <= most) return { ...calm, limited: WITHIN };
    return { ...calm, replicas: most, limited: fastest < maxReplicas ? TOO_FAST_UP : TOO_MANY };
  }
  if (calm.replicas < current) {
    const fastest = Math.min(current, downLimit(current, down, past, nowMs));
    const least = Math.max(fastest, minReplicas);
    if (calm.replicas >= least) return { ...calm, limited: WITHIN };
    return { ...calm, replicas: least, limited: fastest > minReplicas ? TOO_FAST_DOWN : TOO_FEW };
  }
  return { ...calm, limited: WITHIN };
}

const WITHIN = {
  is: false,
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};
const limit = (reason: string, message: string) => ({ is: true, reason, message });
const TOO_MANY = limit('TooManyReplicas', 'the desired replica count is more than the maximum replica count');
const TOO_FEW = limit('TooFewReplicas', 'the desired replica count is less than the minimum replica count');
const TOO_FAST_UP = limit('ScaleUpLimit', 'the desired replica count is increasing faster than the maximum scale rate');
const TOO_FAST_DOWN = limit(
  'ScaleDownLimit',
  'the desired replica count is decreasing faster than the maximum scale rate',
);

/** The least that was asked for within the window of the way up, the most within that of the way down. */
function stabilize(
  current: number,
  wanted: number,
  up: HPAScalingRules,
  down: HPAScalingRules,
  { recommended }: Past,
  nowMs: number,
): Omit<Limited, 'limited'> {
  const within = (seconds: number) =>
    recommended.filter(({ atMs }) => atMs > nowMs - seconds * 1000).map(({ replicas }) => replicas);
  const least = Math.min(wanted, ...within(up.stabilizationWindowSeconds ?? 0));
  const most = Math.max(wanted, ...within(down.stabilizationWindowSeconds ?? DOWN_WINDOW_SECONDS));
  const replicas = Math.min(Math.max(current, least), most);
  if (replicas === wanted) {
    return { replicas, able: { reason: 'ReadyForNewScale', message: 'recommended size matches current size' } };
  }
  const [reason, word, best] =
    wanted < current ? ['ScaleDownStabilized', 'higher', 'highest'] : ['ScaleUpStabilized', 'lower', 'lowest'];
  const message = `recent recommendations were ${word} than current one, applying the ${best} recent recommendation`;
  return { replicas, able: { reason: reason!, message } };
}

function startOfPeriod(current: number, { changes }: Past, periodSeconds: number, nowMs: number): number {
  const recent = changes.filter(({ atMs }) => atMs > nowMs - periodSeconds * 1000);
  return current - recent.reduce((sum, { by }) => sum + by, 0);
}

function upLimit(current: number, { selectPolicy, policies = [] }: HPAScalingRules, past: Past, nowMs: number): number {
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = startOfPeriod(current, past, periodSeconds, nowMs);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function downLimit(
  current: number,
  { selectPolicy, policies = [] }: HPAScalingRules,
  past: Past,
  nowMs: number,
): number {
  if (selectPolicy === 'Disabled') return current;
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = startOfPeriod(current, past, periodSeconds, nowMs);
    return type === 'Pods' ? start - value : Math.floor(start * (1 - value / 100));
  });
  // `Max` names the policy that allows the larger change.
  return selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

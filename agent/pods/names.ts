// How what belongs to a pod is found again: labels and annotations in the runtime, folders on disk. All of it is
// upstream's layout, so tools that look at containers directly find what they expect.
import { join } from 'node:path';

export const LABEL = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  container: 'io.kubernetes.container.name',
} as const;

export const ANNOTATION = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  terminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
  configSource: 'kubernetes.io/config.source',
  configHash: 'kubernetes.io/config.hash',
  configMirror: 'kubernetes.io/config.mirror',
  /** How long to wait before another start if this instance ends: the back-off survives the agent with it. */
  backOffMs: 'skiff.dev/restart-back-off-ms',
} as const;

export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Where the agent keeps what belongs to pods. */
export interface PodFolders {
  /** /var/lib/kubelet */
  readonly kubeletDir: string;
  /** /var/log/pods */
  readonly podLogsDir: string;
  /** /var/log/containers */
  readonly containerLogsDir: string;
}

export function podDir({ kubeletDir }: PodFolders, uid: string): string {
  return join(kubeletDir, 'pods', uid);
}

export function volumesDir(folders: PodFolders, uid: string): string {
  return join(podDir(folders, uid), 'volumes');
}

export function etcHostsPath(folders: PodFolders, uid: string): string {
  return join(podDir(folders, uid), 'etc-hosts');
}

/** What a container leaves as its last words, one file per start. */
export function terminationLogPath(folders: PodFolders, uid: string, container: string, attempt: number): string {
  return join(podDir(folders, uid), 'containers', container, String(attempt));
}

export function podLogDir({ podLogsDir }: PodFolders, { namespace, name, uid }: PodName): string {
  return join(podLogsDir, `${namespace}_${name}_${uid}`);
}

/** Relative to the pod's log folder, as the runtime wants it. */
export function containerLogPath(container: string, attempt: number): string {
  return `${container}/${attempt}.log`;
}

export function containerLogLink(
  { containerLogsDir }: PodFolders,
  { namespace, name }: PodName,
  container: string,
  id: string,
): string {
  // The longest file name is 255 bytes; names of pods may be almost that long by themselves.
  const stem = `${name}_${namespace}_${container}`.slice(0, 250 - 1 - id.length);
  return join(containerLogsDir, `${stem}-${id}.log`);
}

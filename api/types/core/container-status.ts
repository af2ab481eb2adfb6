// Containers as the node reports them.
import {
  anInt64,
  aQuantity,
  boolean,
  field,
  int32,
  int64,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { ResourceRequirements } from './resource-requirements.ts';

export const ContainerStateWaiting = object('io.k8s.api.core.v1.ContainerStateWaiting', {
  reason: string(1),
  message: string(2),
});
export type ContainerStateWaiting = TypeOf<typeof ContainerStateWaiting>;

export const ContainerStateRunning = object('io.k8s.api.core.v1.ContainerStateRunning', {
  startedAt: time(1, { emitZero: null }),
});
export type ContainerStateRunning = TypeOf<typeof ContainerStateRunning>;

export const ContainerStateTerminated = object('io.k8s.api.core.v1.ContainerStateTerminated', {
  exitCode: int32(1, { required, emitZero: 0 }),
  signal: int32(2),
  reason: string(3),
  message: string(4),
  startedAt: time(5, { emitZero: null }),
  finishedAt: time(6, { emitZero: null }),
  containerID: string(7),
});
export type ContainerStateTerminated = TypeOf<typeof ContainerStateTerminated>;

export const ContainerState = object('io.k8s.api.core.v1.ContainerState', {
  waiting: field(1, ContainerStateWaiting, { ptr }),
  running: field(2, ContainerStateRunning, { ptr }),
  terminated: field(3, ContainerStateTerminated, { ptr }),
});
export type ContainerState = TypeOf<typeof ContainerState>;

export const ImageVolumeStatus = object('io.k8s.api.core.v1.ImageVolumeStatus', {
  imageRef: string(1, { required }),
});
export type ImageVolumeStatus = TypeOf<typeof ImageVolumeStatus>;

export const VolumeStatus = object('io.k8s.api.core.v1.VolumeStatus', {
  image: field(1, ImageVolumeStatus, { ptr }),
});
export type VolumeStatus = TypeOf<typeof VolumeStatus>;

export const VolumeMountStatus = object('io.k8s.api.core.v1.VolumeMountStatus', {
  name: string(1, { required, emitZero: '' }),
  mountPath: string(2, { required, emitZero: '' }),
  readOnly: boolean(3),
  recursiveReadOnly: string(4, { ptr }),
  volumeStatus: field(5, VolumeStatus, { ptr }),
});
export type VolumeMountStatus = TypeOf<typeof VolumeMountStatus>;

export const LinuxContainerUser = object('io.k8s.api.core.v1.LinuxContainerUser', {
  uid: int64(1, { required, emitZero: 0 }),
  gid: int64(2, { required, emitZero: 0 }),
  supplementalGroups: list(3, anInt64, { listType: 'atomic' }),
});
export type LinuxContainerUser = TypeOf<typeof LinuxContainerUser>;

export const ContainerUser = object('io.k8s.api.core.v1.ContainerUser', {
  linux: field(1, LinuxContainerUser, { ptr }),
});
export type ContainerUser = TypeOf<typeof ContainerUser>;

export const ResourceHealth = object('io.k8s.api.core.v1.ResourceHealth', {
  resourceID: string(1, { required, emitZero: '' }),
  health: string(2),
  message: string(6, { ptr }),
});
export type ResourceHealth = TypeOf<typeof ResourceHealth>;

export const ResourceStatus = object('io.k8s.api.core.v1.ResourceStatus', {
  name: string(1, { required, emitZero: '' }),
  resources: list(2, ResourceHealth, { listType: 'map', keys: ['resourceID'] }),
});
export type ResourceStatus = TypeOf<typeof ResourceStatus>;

export const ContainerStatus = object('io.k8s.api.core.v1.ContainerStatus', {
  name: string(1, { required, emitZero: '' }),
  state: field(2, ContainerState, { emitZero: {} }),
  lastState: field(3, ContainerState, { emitZero: {} }),
  ready: boolean(4, { required, emitZero: false }),
  restartCount: int32(5, { required, emitZero: 0 }),
  image: string(6, { required, emitZero: '' }),
  imageID: string(7, { required, emitZero: '' }),
  containerID: string(8),
  started: boolean(9, { ptr }),
  allocatedResources: map(10, aQuantity),
  resources: field(11, ResourceRequirements, { ptr }),
  volumeMounts: list(12, VolumeMountStatus, {
    listType: 'map',
    keys: ['mountPath'],
    patchStrategy: 'merge',
    patchMergeKey: 'mountPath',
  }),
  user: field(13, ContainerUser, { ptr }),
  allocatedResourcesStatus: list(14, ResourceStatus, {
    listType: 'map',
    keys: ['name'],
    patchStrategy: 'merge',
    patchMergeKey: 'name',
  }),
  stopSignal: string(15, {
    ptr,
    enum: [
      'SIGABRT',
      'SIGALRM',
      'SIGBUS',
      'SIGCHLD',
      'SIGCLD',
      'SIGCONT',
      'SIGFPE',
      'SIGHUP',
      'SIGILL',
      'SIGINT',
      'SIGIO',
      'SIGIOT',
      'SIGKILL',
      'SIGPIPE',
      'SIGPOLL',
      'SIGPROF',
      'SIGPWR',
      'SIGQUIT',
      'SIGRTMAX',
      'SIGRTMAX-1',
      'SIGRTMAX-10',
      'SIGRTMAX-11',
      'SIGRTMAX-12',
      'SIGRTMAX-13',
      'SIGRTMAX-14',
      'SIGRTMAX-2',
      'SIGRTMAX-3',
      'SIGRTMAX-4',
      'SIGRTMAX-5',
      'SIGRTMAX-6',
      'SIGRTMAX-7',
      'SIGRTMAX-8',
      'SIGRTMAX-9',
      'SIGRTMIN',
      'SIGRTMIN+1',
      'SIGRTMIN+10',
      'SIGRTMIN+11',
      'SIGRTMIN+12',
      'SIGRTMIN+13',
      'SIGRTMIN+14',
      'SIGRTMIN+15',
      'SIGRTMIN+2',
      'SIGRTMIN+3',
      'SIGRTMIN+4',
      'SIGRTMIN+5',
      'SIGRTMIN+6',
      'SIGRTMIN+7',
      'SIGRTMIN+8',
      'SIGRTMIN+9',
      'SIGSEGV',
      'SIGSTKFLT',
      'SIGSTOP',
      'SIGSYS',
      'SIGTERM',
      'SIGTRAP',
      'SIGTSTP',
      'SIGTTIN',
      'SIGTTOU',
      'SIGURG',
      'SIGUSR1',
      'SIGUSR2',
      'SIGVTALRM',
      'SIGWINCH',
      'SIGXCPU',
      'SIGXFSZ',
    ],
  }),
});
export type ContainerStatus = TypeOf<typeof ContainerStatus>;

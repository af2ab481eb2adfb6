// Containers as people write them.
import {
  anInt32,
  aString,
  boolean,
  field,
  int32,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { inline } from '../build.ts';
import { defaultContainer } from './container-defaults.ts';
import { EnvFromSource, EnvVar } from './env.ts';
import { Lifecycle, Probe } from './probe.ts';
import { ResourceRequirements } from './resource-requirements.ts';
import { SecurityContext } from './security-context.ts';

export const ContainerPort = object('io.k8s.api.core.v1.ContainerPort', {
  name: string(1),
  hostPort: int32(2),
  containerPort: int32(3, { required, emitZero: 0 }),
  protocol: string(4, { default: 'TCP', enum: ['SCTP', 'TCP', 'UDP'] }),
  hostIP: string(5),
});
export type ContainerPort = TypeOf<typeof ContainerPort>;

export const VolumeMount = object('io.k8s.api.core.v1.VolumeMount', {
  name: string(1, { required, emitZero: '' }),
  readOnly: boolean(2),
  mountPath: string(3, { required, emitZero: '' }),
  subPath: string(4),
  mountPropagation: string(5, { ptr, enum: ['Bidirectional', 'HostToContainer', 'None'] }),
  subPathExpr: string(6),
  recursiveReadOnly: string(7, { ptr }),
});
export type VolumeMount = TypeOf<typeof VolumeMount>;

export const VolumeDevice = object('io.k8s.api.core.v1.VolumeDevice', {
  name: string(1, { required, emitZero: '' }),
  devicePath: string(2, { required, emitZero: '' }),
});
export type VolumeDevice = TypeOf<typeof VolumeDevice>;

export const ContainerResizePolicy = object('io.k8s.api.core.v1.ContainerResizePolicy', {
  resourceName: string(1, { required, emitZero: '' }),
  restartPolicy: string(2, { required, emitZero: '' }),
});
export type ContainerResizePolicy = TypeOf<typeof ContainerResizePolicy>;

export const ContainerRestartRuleOnExitCodes = object('io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes', {
  operator: string(1, { required }),
  values: list(2, anInt32, { listType: 'set' }),
});
export type ContainerRestartRuleOnExitCodes = TypeOf<typeof ContainerRestartRuleOnExitCodes>;

export const ContainerRestartRule = object('io.k8s.api.core.v1.ContainerRestartRule', {
  action: string(1, { required }),
  exitCodes: field(2, ContainerRestartRuleOnExitCodes, { ptr }),
});
export type ContainerRestartRule = TypeOf<typeof ContainerRestartRule>;

/** Ephemeral containers have the same fields, one message deeper. */
const containerFields = {
  name: string(1, { required, emitZero: '' }),
  image: string(2),
  command: list(3, aString, { listType: 'atomic' }),
  args: list(4, aString, { listType: 'atomic' }),
  workingDir: string(5),
  ports: list(6, ContainerPort, {
    listType: 'map',
    keys: ['containerPort', 'protocol'],
    patchStrategy: 'merge',
    patchMergeKey: 'containerPort',
  }),
  env: list(7, EnvVar, { listType: 'map', keys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  resources: field(8, ResourceRequirements, { emitZero: {} }),
  volumeMounts: list(9, VolumeMount, {
    listType: 'map',
    keys: ['mountPath'],
    patchStrategy: 'merge',
    patchMergeKey: 'mountPath',
  }),
  livenessProbe: field(10, Probe, { ptr }),
  readinessProbe: field(11, Probe, { ptr }),
  lifecycle: field(12, Lifecycle, { ptr }),
  terminationMessagePath: string(13),
  imagePullPolicy: string(14, { enum: ['Always', 'IfNotPresent', 'Never'] }),
  securityContext: field(15, SecurityContext, { ptr }),
  stdin: boolean(16),
  stdinOnce: boolean(17),
  tty: boolean(18),
  envFrom: list(19, EnvFromSource, { listType: 'atomic' }),
  terminationMessagePolicy: string(20, { enum: ['FallbackToLogsOnError', 'File'] }),
  volumeDevices: list(21, VolumeDevice, {
    listType: 'map',
    keys: ['devicePath'],
    patchStrategy: 'merge',
    patchMergeKey: 'devicePath',
  }),
  startupProbe: field(22, Probe, { ptr }),
  resizePolicy: list(23, ContainerResizePolicy, { listType: 'atomic' }),
  restartPolicy: string(24, { ptr }),
  restartPolicyRules: list(25, ContainerRestartRule, { listType: 'atomic' }),
};

export const Container = object('io.k8s.api.core.v1.Container', containerFields, {
  defaults(value) {
    defaultContainer(value);
  },
});
export type Container = TypeOf<typeof Container>;

export const EphemeralContainer = object(
  'io.k8s.api.core.v1.EphemeralContainer',
  {
    ...inline(1, 'ephemeralContainerCommon', containerFields),
    targetContainerName: string(2),
  },
  {
    defaults(value) {
      defaultContainer(value);
    },
  },
);
export type EphemeralContainer = TypeOf<typeof EphemeralContainer>;

// What one asks when talking to a running pod, a service or a node through the server.
import {
  anInt32,
  aString,
  boolean,
  int64,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';

export const PodExecOptions = object('io.k8s.api.core.v1.PodExecOptions', {
  apiVersion: string(0),
  kind: string(0),
  stdin: boolean(1),
  stdout: boolean(2),
  stderr: boolean(3),
  tty: boolean(4),
  container: string(5),
  command: list(6, aString, { required, emitZero: null, listType: 'atomic' }),
});
export type PodExecOptions = TypeOf<typeof PodExecOptions>;

export const PodAttachOptions = object('io.k8s.api.core.v1.PodAttachOptions', {
  apiVersion: string(0),
  kind: string(0),
  stdin: boolean(1),
  stdout: boolean(2),
  stderr: boolean(3),
  tty: boolean(4),
  container: string(5),
});
export type PodAttachOptions = TypeOf<typeof PodAttachOptions>;

export const PodLogOptions = object('io.k8s.api.core.v1.PodLogOptions', {
  apiVersion: string(0),
  kind: string(0),
  container: string(1),
  follow: boolean(2),
  previous: boolean(3),
  sinceSeconds: int64(4, { ptr }),
  sinceTime: time(5, { ptr }),
  timestamps: boolean(6),
  tailLines: int64(7, { ptr }),
  limitBytes: int64(8, { ptr }),
  insecureSkipTLSVerifyBackend: boolean(9),
  stream: string(10, { ptr }),
});
export type PodLogOptions = TypeOf<typeof PodLogOptions>;

export const PodPortForwardOptions = object('io.k8s.api.core.v1.PodPortForwardOptions', {
  apiVersion: string(0),
  kind: string(0),
  ports: list(1, anInt32, { listType: 'atomic' }),
});
export type PodPortForwardOptions = TypeOf<typeof PodPortForwardOptions>;

export const PodProxyOptions = object('io.k8s.api.core.v1.PodProxyOptions', {
  apiVersion: string(0),
  kind: string(0),
  path: string(1),
});
export type PodProxyOptions = TypeOf<typeof PodProxyOptions>;

export const ServiceProxyOptions = object('io.k8s.api.core.v1.ServiceProxyOptions', {
  apiVersion: string(0),
  kind: string(0),
  path: string(1),
});
export type ServiceProxyOptions = TypeOf<typeof ServiceProxyOptions>;

export const NodeProxyOptions = object('io.k8s.api.core.v1.NodeProxyOptions', {
  apiVersion: string(0),
  kind: string(0),
  path: string(1),
});
export type NodeProxyOptions = TypeOf<typeof NodeProxyOptions>;

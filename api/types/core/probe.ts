// Probes and lifecycle hooks of containers.
import {
  aString,
  field,
  int32,
  int64,
  intOrString,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { inline } from '../build.ts';

export const ExecAction = object('io.k8s.api.core.v1.ExecAction', {
  command: list(1, aString, { listType: 'atomic' }),
});
export type ExecAction = TypeOf<typeof ExecAction>;

export const HTTPHeader = object('io.k8s.api.core.v1.HTTPHeader', {
  name: string(1, { required, emitZero: '' }),
  value: string(2, { required, emitZero: '' }),
});
export type HTTPHeader = TypeOf<typeof HTTPHeader>;

export const HTTPGetAction = object(
  'io.k8s.api.core.v1.HTTPGetAction',
  {
    path: string(1),
    port: intOrString(2, { required, emitZero: 0 }),
    host: string(3),
    scheme: string(4, { enum: ['HTTP', 'HTTPS'] }),
    httpHeaders: list(5, HTTPHeader, { listType: 'atomic' }),
  },
  {
    defaults(value) {
      value.path ||= '/';
      value.scheme ||= 'HTTP';
    },
  },
);
export type HTTPGetAction = TypeOf<typeof HTTPGetAction>;

export const TCPSocketAction = object('io.k8s.api.core.v1.TCPSocketAction', {
  port: intOrString(1, { required, emitZero: 0 }),
  host: string(2),
});
export type TCPSocketAction = TypeOf<typeof TCPSocketAction>;

export const GRPCAction = object('io.k8s.api.core.v1.GRPCAction', {
  port: int32(1, { required, emitZero: 0 }),
  service: string(2, { ptr, emitZero: null, default: '' }),
});
export type GRPCAction = TypeOf<typeof GRPCAction>;

const probeHandlers = {
  exec: field(1, ExecAction, { ptr }),
  httpGet: field(2, HTTPGetAction, { ptr }),
  tcpSocket: field(3, TCPSocketAction, { ptr }),
  grpc: field(4, GRPCAction, { ptr }),
};

export const Probe = object(
  'io.k8s.api.core.v1.Probe',
  {
    ...inline(1, 'handler', probeHandlers),
    initialDelaySeconds: int32(2),
    timeoutSeconds: int32(3),
    periodSeconds: int32(4),
    successThreshold: int32(5),
    failureThreshold: int32(6),
    terminationGracePeriodSeconds: int64(7, { ptr }),
  },
  {
    defaults(value) {
      value.timeoutSeconds ||= 1;
      value.periodSeconds ||= 10;
      value.successThreshold ||= 1;
      value.failureThreshold ||= 3;
    },
  },
);
export type Probe = TypeOf<typeof Probe>;

export const SleepAction = object('io.k8s.api.core.v1.SleepAction', {
  seconds: int64(1, { required, emitZero: 0 }),
});
export type SleepAction = TypeOf<typeof SleepAction>;

export const LifecycleHandler = object('io.k8s.api.core.v1.LifecycleHandler', {
  exec: field(1, ExecAction, { ptr }),
  httpGet: field(2, HTTPGetAction, { ptr }),
  tcpSocket: field(3, TCPSocketAction, { ptr }),
  sleep: field(4, SleepAction, { ptr }),
});
export type LifecycleHandler = TypeOf<typeof LifecycleHandler>;

export const Lifecycle = object('io.k8s.api.core.v1.Lifecycle', {
  postStart: field(1, LifecycleHandler, { ptr }),
  preStop: field(2, LifecycleHandler, { ptr }),
  stopSignal: string(3, {
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
export type Lifecycle = TypeOf<typeof Lifecycle>;

// Event: something happened to an object.
import { kind } from '../../schema/kind.ts';
import { field, int32, microTime, object, ptr, required, string, type TypeOf, time } from '../../schema/schema.ts';
import { ObjectMeta } from '../meta/object-meta.ts';
import { ObjectReference } from './references.ts';

export const EventSource = object('io.k8s.api.core.v1.EventSource', {
  component: string(1),
  host: string(2),
});
export type EventSource = TypeOf<typeof EventSource>;

export const EventSeries = object('io.k8s.api.core.v1.EventSeries', {
  count: int32(1),
  lastObservedTime: microTime(2, { emitZero: null }),
});
export type EventSeries = TypeOf<typeof EventSeries>;

export const Event = kind('io.k8s.api.core.v1.Event', {
  metadata: field(1, ObjectMeta, { required, emitZero: {} }),
  involvedObject: field(2, ObjectReference, { required, emitZero: {} }),
  reason: string(3),
  message: string(4),
  source: field(5, EventSource, { emitZero: {} }),
  firstTimestamp: time(6, { emitZero: null }),
  lastTimestamp: time(7, { emitZero: null }),
  count: int32(8),
  type: string(9),
  eventTime: microTime(10, { emitZero: null }),
  series: field(11, EventSeries, { ptr }),
  action: string(12),
  related: field(13, ObjectReference, { ptr }),
  reportingComponent: string(14, { emitZero: '' }),
  reportingInstance: string(15, { emitZero: '' }),
});
export type Event = TypeOf<typeof Event>;

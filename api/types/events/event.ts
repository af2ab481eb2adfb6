// Event as the events.k8s.io group shows it; stored as the event of core.

import { kind } from '../../schema/kind.ts';
import { field, int32, microTime, object, ptr, required, string, type TypeOf, time } from '../../schema/schema.ts';
import { EventSource } from '../core/event.ts';
import { ObjectReference } from '../core/references.ts';

export const EventSeries = object('io.k8s.api.events.v1.EventSeries', {
  count: int32(1, { required, emitZero: 0 }),
  lastObservedTime: microTime(2, { required, emitZero: null }),
});
export type EventSeries = TypeOf<typeof EventSeries>;

export const Event = kind('io.k8s.api.events.v1.Event', {
  eventTime: microTime(2, { required, emitZero: null }),
  series: field(3, EventSeries, { ptr }),
  reportingController: string(4),
  reportingInstance: string(5),
  action: string(6),
  reason: string(7),
  regarding: field(8, ObjectReference, { emitZero: {} }),
  related: field(9, ObjectReference, { ptr }),
  note: string(10),
  type: string(11),
  deprecatedSource: field(12, EventSource, { emitZero: {} }),
  deprecatedFirstTimestamp: time(13, { emitZero: null }),
  deprecatedLastTimestamp: time(14, { emitZero: null }),
  deprecatedCount: int32(15),
});
export type Event = TypeOf<typeof Event>;

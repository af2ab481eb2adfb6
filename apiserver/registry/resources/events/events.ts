// Events of events.k8s.io: another view of the events of core, under which they are stored.

import type { KubeObject } from '../../../../api/schema/kind.ts';
import { invalid } from '../../../../api/status.ts';
import type { Event as CoreEvent } from '../../../../api/types/core/event.ts';
import { events as coreEvents } from '../../../../api/types/core/resources.ts';
import type { Event } from '../../../../api/types/events/event.ts';
import { compact } from '../../objects.ts';
import type { Strategy } from '../../strategy.ts';
import { coreEventProblems, eventProblems } from '../../validation/events.ts';

export const eventStrategy: Strategy<Event> = {
  allowCreateOnUpdate: true,
  // Errors speak of what is stored.
  validateCreate(event) {
    const problems = eventProblems(event);
    if (problems.length > 0) throw invalid({ group: '', kind: 'Event' }, event.metadata.name ?? '', problems);
    return [];
  },
  conversion: {
    stored: () => coreEvents,
    toStored: (event): KubeObject => toCore(event),
    fromStored: (stored) => fromCore(stored as CoreEvent),
  },
};

export const coreEventStrategy: Strategy<CoreEvent> = {
  allowCreateOnUpdate: true,
  validateCreate: coreEventProblems,
};

function toCore({ metadata, ...event }: Event): CoreEvent {
  return compact<CoreEvent>({
    kind: 'Event',
    apiVersion: 'v1',
    metadata,
    involvedObject: event.regarding ?? {},
    reason: event.reason,
    message: event.note,
    source: event.deprecatedSource ?? {},
    firstTimestamp: event.deprecatedFirstTimestamp ?? null,
    lastTimestamp: event.deprecatedLastTimestamp ?? null,
    count: event.deprecatedCount,
    type: event.type,
    eventTime: event.eventTime ?? null,
    series: event.series,
    action: event.action,
    related: event.related,
    reportingComponent: event.reportingController ?? '',
    reportingInstance: event.reportingInstance ?? '',
  });
}

function fromCore({ metadata, ...event }: CoreEvent): Event {
  return compact<Event>({
    kind: 'Event',
    apiVersion: 'events.k8s.io/v1',
    metadata,
    eventTime: event.eventTime ?? null,
    series: event.series as Event['series'],
    reportingController: event.reportingComponent || undefined,
    reportingInstance: event.reportingInstance || undefined,
    action: event.action,
    reason: event.reason,
    regarding: event.involvedObject ?? {},
    related: event.related,
    note: event.message,
    type: event.type,
    deprecatedSource: event.source ?? {},
    deprecatedFirstTimestamp: event.firstTimestamp ?? null,
    deprecatedLastTimestamp: event.lastTimestamp ?? null,
    deprecatedCount: event.count,
  });
}

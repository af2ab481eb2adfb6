// The resources of events.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { ALL_VERBS, NAME, text, wide } from '../resource-parts.ts';
import { Event } from './event.ts';

export const events: ResourceDefinition<Event> = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  listKind: 'EventList',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: Event,
  subresources: {},
  selectableFields: [
    'regarding.apiVersion',
    'regarding.fieldPath',
    'regarding.kind',
    'regarding.name',
    'regarding.namespace',
    'regarding.resourceVersion',
    'regarding.uid',
    'reason',
    'reportingController',
    'type',
  ],
  columns: [
    text('Last Seen'),
    text('Type'),
    text('Reason'),
    text('Object'),
    ...wide(text('Subobject'), text('Source')),
    text('Message'),
    ...wide(text('First Seen'), text('Count'), NAME),
  ],
  storedAs: '/v1/Event',
};

export const eventsResources: readonly ResourceDefinition[] = [events];

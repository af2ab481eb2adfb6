// Events, in both of their versions.
import { qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Event as CoreEvent } from '../../../api/types/core/event.ts';
import type { Event } from '../../../api/types/events/event.ts';
import { invalidValue, required } from './problems.ts';
import { named } from './values.ts';

const MISMATCH = 'does not match event.namespace';
const WORD_MAX = 128;
const NOTE_MAX = 1024;

interface Common {
  readonly namespace: string;
  readonly about: string;
  readonly eventTime: string | null | undefined;
  readonly controller: string;
  readonly controllerField: string;
  readonly instance: string;
  readonly action: string;
  readonly reason: string;
  readonly message: string;
}

function commonProblems(event: Common): FieldProblem[] {
  const path = 'involvedObject.namespace';
  const { namespace, about } = event;
  // What belongs to no namespace is told of in the default one.
  const mayBeAnywhere = ['default', ...(event.eventTime ? ['kube-system'] : [])];
  const isElsewhere = about === '' ? !mayBeAnywhere.includes(namespace) : about !== namespace;
  const problems = isElsewhere ? [invalidValue(path, about, MISMATCH)] : [];
  if (!event.eventTime) return problems;
  if (!event.controller) problems.push(required(event.controllerField));
  else problems.push(...named(event.controllerField, event.controller, qualifiedName));
  for (const [field, value] of [
    ['reportingInstance', event.instance],
    ['action', event.action],
    ['reason', event.reason],
  ] as const) {
    if (!value) problems.push(required(field));
    if (value.length > WORD_MAX) problems.push(invalidValue(field, '', `can have at most ${WORD_MAX} characters`));
  }
  if (event.message.length > NOTE_MAX) {
    problems.push(invalidValue('message', '', `can have at most ${NOTE_MAX} characters`));
  }
  return problems;
}

export function coreEventProblems(event: CoreEvent): FieldProblem[] {
  return commonProblems({
    namespace: event.metadata.namespace ?? '',
    about: event.involvedObject?.namespace ?? '',
    eventTime: event.eventTime,
    controller: event.reportingComponent ?? '',
    controllerField: 'reportingComponent',
    instance: event.reportingInstance ?? '',
    action: event.action ?? '',
    reason: event.reason ?? '',
    message: event.message ?? '',
  });
}

export function eventProblems(event: Event): FieldProblem[] {
  const problems = commonProblems({
    namespace: event.metadata.namespace ?? '',
    about: event.regarding?.namespace ?? '',
    eventTime: event.eventTime,
    controller: event.reportingController ?? '',
    controllerField: 'reportingController',
    instance: event.reportingInstance ?? '',
    action: event.action ?? '',
    reason: event.reason ?? '',
    message: event.note ?? '',
  });
  const { type = '', series, eventTime } = event;
  if (!eventTime) problems.push(required('eventTime'));
  if (type !== 'Normal' && type !== 'Warning') problems.push(invalidValue('type', '', `has invalid value: ${type}`));
  if (series) {
    if (series.count < 2) problems.push(invalidValue('series.count', '', 'should be at least 2'));
    if (!series.lastObservedTime) problems.push(required('series.lastObservedTime'));
  }
  return problems;
}

// What the server keeps in metadata: pure, so that time and chance come from the caller.

import { timestamp } from '../../api/clock.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { semanticEqual } from '../../api/schema/equal.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { badRequest, type FieldProblem } from '../../api/status.ts';
import type { ApiRequest } from './request.ts';

/** The namespace of the path is the object's; one that says otherwise is refused. */
export function settleNamespace({ resource, namespace }: ApiRequest, object: KubeObject): void {
  const { metadata } = object;
  if (!resource.namespaced) {
    if (metadata.namespace)
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    delete metadata.namespace;
    return;
  }
  metadata.namespace ||= namespace;
  if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** An update speaks of the object that its path names. */
export function checkNames({ name, namespace }: ApiRequest, object: KubeObject): void {
  const { metadata } = object;
  if (!metadata.name) {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (namespace !== '' && metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest(
      `the namespace of the object (${metadata.namespace}) does not match the namespace on the request (${namespace})`,
    );
  }
}

/** What a client may not set at creation. */
export function forgetSystemFields({ metadata }: KubeObject): void {
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
}

/** What the server sets then. */
export function beginLife({ metadata }: KubeObject, uid: string, nowMs: number): void {
  metadata.uid = uid;
  metadata.creationTimestamp = timestamp(nowMs);
}

/** An update keeps what only the server writes. */
export function carryOver(next: KubeObject, current: KubeObject): void {
  const { metadata } = next;
  const was = current.metadata;
  delete metadata.selfLink;
  metadata.uid ||= was.uid;
  metadata.creationTimestamp = was.creationTimestamp;
  metadata.generation = was.generation;
  if (metadata.generation === undefined) delete metadata.generation;
  if (was.deletionTimestamp !== undefined) {
    metadata.deletionTimestamp ??= was.deletionTimestamp;
    metadata.deletionGracePeriodSeconds ??= was.deletionGracePeriodSeconds;
  } else {
    // Only a DELETE begins a deletion.
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
  }
  metadata.namespace ||= was.namespace;
  if (!metadata.namespace) delete metadata.namespace;
}

/** The generation counts what controllers have to look at: everything but metadata and status. */
export function bumpGeneration({ schema }: ResourceDefinition, next: KubeObject, current: KubeObject): void {
  if (current.metadata.generation === undefined) return;
  if (semanticEqual(schema, desired(next), desired(current))) return;
  next.metadata.generation = current.metadata.generation + 1;
}

function desired(object: KubeObject): unknown {
  const { metadata: _m, status: _s, apiVersion: _a, kind: _k, ...rest } = object as KubeObject & { status?: unknown };
  return rest;
}

/** Marks an object as being deleted. Idempotent: a second mark may only shorten. */
export function markDeleted(object: KubeObject, graceSeconds: number, nowMs: number): void {
  const { metadata } = object;
  const isFirst = metadata.deletionTimestamp === undefined;
  metadata.deletionTimestamp = timestamp(nowMs + graceSeconds * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
  if (isFirst && metadata.generation !== undefined && metadata.generation > 0) metadata.generation++;
}

const IMMUTABLE = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

export function immutableMetadataProblems(next: KubeObject, current: KubeObject): FieldProblem[] {
  return [...newFinalizerProblems(next, current), ...changedMetadataProblems(next, current)];
}

/** Who waits for an object to go must not come when it already goes. */
function newFinalizerProblems(next: KubeObject, current: KubeObject): FieldProblem[] {
  if (current.metadata.deletionTimestamp === undefined) return [];
  const had = new Set(current.metadata.finalizers);
  const added = [...new Set(next.metadata.finalizers)].filter((name) => !had.has(name)).sort();
  if (added.length === 0) return [];
  const shown = `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`;
  return [{ path: 'metadata.finalizers', reason: 'FieldValueForbidden', message: `Forbidden: ${why}` }];
}

function changedMetadataProblems(next: KubeObject, current: KubeObject): FieldProblem[] {
  return IMMUTABLE.filter((field) => (next.metadata[field] ?? '') !== (current.metadata[field] ?? '')).map((field) => ({
    path: `metadata.${field}`,
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(next.metadata[field] ?? null)}: field is immutable`,
  }));
}

export function hasStatus({ subresources }: ResourceDefinition): boolean {
  return Object.hasOwn(subresources, 'status');
}

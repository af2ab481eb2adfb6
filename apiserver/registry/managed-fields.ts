// Who set which field: metadata.managedFields, kept at every write in the name of the client's field manager.
import { apiVersionOf } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { type InVersion, trackUpdate } from '../patch/apply.ts';
import { hasStatus } from './metadata.ts';
import type { ApiRequest } from './request.ts';
import type { ResourceStore } from './resource-store.ts';

/** The manager's name: what the request says, else how the client calls itself. */
export function managerOf({ options, agent }: ApiRequest): string {
  return options.fieldManager ?? agent;
}

/** What every write tells the bookkeeping. */
export function bookkeeping(of: ResourceStore, request: ApiRequest, live: KubeObject | undefined) {
  const { definition, context } = of;
  return {
    schema: definition.schema,
    apiVersion: apiVersionOf(definition),
    manager: managerOf(request),
    subresource: request.subresource,
    ignored: ignoredPaths(of, request),
    live,
    nowMs: context.clock.now(),
    inVersion: versionsOf(of),
  };
}

/** Paths that this view of the object does not write: status by the main path, all but status by the status path. */
function ignoredPaths({ definition, strategy }: ResourceStore, { subresource }: ApiRequest): string[][] {
  const special = strategy.ignoredFields?.(subresource);
  if (special !== undefined) return special.map((path) => path.split('.').map((name) => `f:${name}`));
  if (subresource === undefined) return hasStatus(definition) ? [['f:status']] : [];
  if (subresource !== 'status') return [];
  const others = Object.keys(definition.schema.fields).filter(
    (name) => !['apiVersion', 'kind', 'metadata', 'status'].includes(name),
  );
  return others.map((name) => [`f:${name}`]);
}

/** Other versions of the same storage, for managers that wrote in them. */
function versionsOf({ context, definition, stored }: ResourceStore): InVersion {
  return (object, apiVersion) => {
    const own = apiVersionOf(definition);
    if (apiVersion === own && object.apiVersion === own) return { object, schema: definition.schema };
    return context.inVersion(object as KubeObject, stored, apiVersion);
  };
}

/** Notes in `next` what this write changes against `live`. */
export function trackManager(
  of: ResourceStore,
  request: ApiRequest,
  next: KubeObject,
  live: KubeObject | undefined,
): void {
  const managedFields = trackUpdate({ ...bookkeeping(of, request, live), next });
  if (managedFields === undefined || managedFields.length === 0) delete next.metadata.managedFields;
  else next.metadata.managedFields = managedFields;
}

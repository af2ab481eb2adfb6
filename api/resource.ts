// A resource is data: one definition from which routes, discovery, OpenAPI, tables, RBAC names and storage keys
// derive. Adding a kind is one file in types/ and one line in types/resources.ts.
import type { KubeObject } from './schema/kind.ts';
import type { ObjectSchema } from './schema/schema.ts';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** A column of `kubectl get`. Priority above 0 shows only with -o wide. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly priority?: number;
  /** A dotted path to a scalar; columns that need computing have a cell function in the registry instead. */
  readonly path?: string;
  /** Of custom kinds: what the author says of the column, and the value it shows. */
  readonly description?: string;
  readonly find?: (object: unknown) => unknown;
}

export interface SubresourceDefinition {
  readonly verbs: readonly ('create' | 'delete' | 'get' | 'patch' | 'update')[];
  /** What the body is, where it is not the resource's own kind: { group, version, kind } of e.g. Scale, Binding. */
  readonly kind?: string;
  readonly group?: string;
  readonly version?: string;
  readonly schema?: ObjectSchema;
}

export interface ResourceDefinition<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly schema: ObjectSchema<T>;
  readonly subresources: Readonly<Record<string, SubresourceDefinition>>;
  /** DELETE answers with the object, not with a Status. */
  readonly returnsDeleted?: boolean;
  /** Beyond metadata.name and metadata.namespace. Absent and empty differ: they word their errors differently. */
  readonly selectableFields?: readonly string[];
  readonly columns: readonly Column[];
  /** Below /registry/, where it is not the plural: 'minions', 'services/specs', `<group>/<plural>` ... */
  readonly storageKey?: string;
  /** 'group/version/Kind' whose hash discovery shows, where the stored version differs from this one. */
  readonly storedAs?: string;
  /** Short description for `kubectl explain`. */
  readonly description?: string;
}

export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

/** 'namespace/name', or 'name' for what belongs to no namespace: the key of queues and informers. */
export function keyOf(object: { metadata: { namespace?: string; name: string } }): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

export function parseKey(key: string): ObjectKey {
  const at = key.indexOf('/');
  return at < 0 ? { name: key } : { namespace: key.slice(0, at), name: key.slice(at + 1) };
}

export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

/** 'pods', 'deployments.apps': how messages and RBAC name a resource. */
export function groupResource({ group, plural }: { group: string; plural: string }): string {
  return group === '' ? plural : `${plural}.${group}`;
}

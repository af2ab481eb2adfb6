// What is special about a kind, as optional functions. The engine asks for them and never for a kind's name.
// One small file per kind in resources/<group>/ exports one of these; resources/index.ts is the table.
import type { ResourceDefinition, Verb } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { FieldProblem } from '../../api/status.ts';
import type { DeletionOptions } from './options.ts';
import type { RegistryContext } from './registry.ts';
import type { ApiRequest, ApiResponse, UserInfo } from './request.ts';

export interface WriteContext {
  readonly user: UserInfo;
  readonly nowMs: number;
  readonly dryRun: boolean;
  readonly subresource: string | undefined;
  readonly registry: RegistryContext;
  readonly warnings: string[];
  readonly request: ApiRequest;
}

/** Undoes what a write reserved when the write did not happen. */
export type Undo = () => void;

export interface Strategy<T extends KubeObject = KubeObject> {
  /** Said to whoever uses this kind at all. */
  readonly deprecated?: string;
  /** What is filled in where the definition's own defaults do not reach; it belongs to whoever writes the object. */
  defaults?(object: T): void;
  /** Changes the new object before it is checked: drops what clients may not set, fills what the server decides. */
  prepareForCreate?(object: T, context: WriteContext): void;
  /** The generated name was taken and is another now; what was prepared from it follows. */
  renamed?(object: T, before: string): void;
  prepareForUpdate?(next: T, current: T, context: WriteContext): void;
  validateCreate?(object: T, context: WriteContext): FieldProblem[];
  /** Of a whole update; runs beside validateCreate's checks only if it calls them itself. */
  validateUpdate?(next: T, current: T, context: WriteContext): FieldProblem[];
  /** What a valid object should be warned about. */
  warnings?(object: T, previous: T | undefined): string[];
  /** Last before the store: takes from shared supplies (addresses, ports). What it returns gives them back. */
  reserve?(next: T, current: T | undefined, context: WriteContext): Undo | undefined;
  /** The object is gone from the store. */
  released?(object: T, registry: RegistryContext): void;

  /** How names are spelled; DNS subdomain when absent. Returns what is wrong. */
  nameProblems?(name: string, prefix: boolean): readonly string[];
  /** Whether the status that a client sends with a new object is kept, as nodes' is. */
  readonly statusAtCreation?: boolean;
  /** Whether a PUT without resourceVersion overwrites; true when absent. */
  readonly allowUnconditionalUpdate?: boolean;
  /** Whether a PUT of what is not there creates it. */
  readonly allowCreateOnUpdate?: boolean;
  /** metadata.generation counts changes of everything but metadata and status; false for kinds without it. */
  readonly hasGeneration?: boolean;
  /** Seconds between deletion and removal, decided by the kind; 0 or absent removes at once. */
  gracePeriod?(object: T, options: DeletionOptions): number;
  /** What deletion does with dependents when the client does not say. */
  readonly defaultPropagation?: 'Background' | 'Orphan';
  /** More that keeps an object that is being deleted, beside metadata.finalizers (namespaces' spec.finalizers). */
  isHeld?(object: T): boolean;
  /** Changes made when deletion is first asked for (a namespace turns Terminating). */
  markDeleted?(object: T): void;
  /** May refuse deletion. */
  validateDelete?(object: T, registry: RegistryContext): void;

  /** Paths ('status', 'metadata.labels') that writes by this subresource, or the main path, do not own. */
  ignoredFields?(subresource: string | undefined): string[] | undefined;

  /** For a version that is not the stored one. */
  readonly conversion?: {
    /** The definition whose storage this version shares. */
    readonly stored: () => ResourceDefinition;
    toStored(object: T): KubeObject;
    fromStored(object: KubeObject): T;
  };

  /** Replaces the generic verbs: resources that are asked and never stored (reviews), or that answer otherwise. */
  readonly handlers?: Partial<Record<Verb, Handler>>;
  readonly subresources?: Readonly<Record<string, SubresourceStrategy<T>>>;
}

export type Handler = (request: ApiRequest, registry: RegistryContext) => Promise<ApiResponse>;

/**
 * A subresource is a view that writes a part of its parent (status, approval, ephemeralcontainers), a value made from
 * it (scale), or a deed of its own (binding, eviction, token, log, exec).
 */
export interface SubresourceStrategy<T extends KubeObject = KubeObject> {
  /** The view writes in the status; otherwise it is kept before the view prepares anything. */
  readonly writesStatus?: boolean;
  /** Keeps of `next` what this view may write and takes the rest from `current`. */
  prepareForUpdate?(next: T, current: T, context: WriteContext): void;
  validateUpdate?(next: T, current: T, context: WriteContext): FieldProblem[];
  readonly handlers?: Partial<Record<Verb, Handler>>;
  /** Its requests may last: logs that are followed, streams, proxied pages. */
  readonly converses?: boolean;
}

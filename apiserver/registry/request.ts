// What the registry is asked and what it answers. Nothing here knows HTTP: the HTTP room parses into an ApiRequest and
// encodes an ApiResponse; the in-process client makes and reads the very same values.
import type { ResourceDefinition, Verb } from '../../api/resource.ts';
import type { Status } from '../../api/status.ts';
import type { CachedObject } from '../cache/contract.ts';
import type { RequestOptions } from './options.ts';

export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What was sent: bytes of a media type, or in process an object. */
export type RequestBody =
  | { readonly bytes: Buffer; readonly contentType: string }
  /** The registry copies it before it changes anything. */
  | { readonly object: unknown; readonly contentType?: string };

export interface ApiRequest {
  readonly verb: Verb;
  readonly resource: ResourceDefinition;
  readonly subresource?: string;
  /** What follows the subresource in the path: /proxy/<this>. */
  readonly subpath?: string;
  /** Empty for what belongs to no namespace and for lists over all of them. */
  readonly namespace: string;
  readonly name: string;
  readonly options: RequestOptions;
  readonly body?: RequestBody;
  readonly user: UserInfo;
  /** Field manager when none is named: how the client calls itself. */
  readonly agent: string;
  /** Said to the client in warning headers; handlers add to it. */
  readonly warnings: string[];
  readonly signal: AbortSignal;
}

export type ApiResponse = ObjectResponse | ListResponse | ValueResponse | WatchResponse | ConnectResponse;

/** One object as it is stored, in bytes that are shared with everyone who reads it. */
export interface ObjectResponse {
  readonly type: 'object';
  readonly code: 200 | 201 | 202;
  readonly object: CachedObject;
}

export interface ListResponse {
  readonly type: 'list';
  readonly items: readonly CachedObject[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

/** Something made for this answer: a Status, a Scale, a review. */
export interface ValueResponse {
  readonly type: 'value';
  readonly code: number;
  readonly value: object;
}

export interface WatchSink {
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: CachedObject): void;
  bookmark(revision: number, initialEventsEnd: boolean): void;
  /** The last thing a watcher hears, e.g. a 410. */
  error(status: Status): void;
  /** Resolves when more may be said; awaited between the many events of a beginning. */
  drained(): Promise<void>;
  /** Nothing more will come. */
  end(): void;
}

export interface WatchResponse {
  readonly type: 'watch';
  /** Calls the sink until the signal aborts. Resolves when the beginning is told and the watch stands. */
  start(sink: WatchSink, signal: AbortSignal): Promise<void>;
}

/** A conversation with a kubelet: where it is held. The HTTP room carries the bytes. */
export interface ConnectResponse {
  readonly type: 'connect';
  readonly url: URL;
  /** Presents the server's kubelet client certificate; absent for plain proxying to pods and services. */
  readonly kubelet: boolean;
}

// How much one client may ask of the server, and for how long: the defaults are upstream's where upstream has one.

export interface HttpLimits {
  /** From the start of a request to the end of its answer, conversations (watches, logs, exec ...) apart. */
  readonly requestMs: number;
  /** For the head of an HTTP/1.1 request, counted from the connection's beginning. */
  readonly headersMs: number;
  /** A connection on which nothing is asked for so long is closed. */
  readonly idleMs: number;
  /** How often HTTP/2 peers are asked whether they are there; one that has not answered by the next time is gone. */
  readonly pingEveryMs: number;
  /** A watcher that takes nothing of what waits for it for so long is cut off. */
  readonly stalledMs: number;
  readonly streamsPerConnection: number;
  readonly connections: number;
  /** Requests that may be worked on at a time, conversations apart. */
  readonly inFlight: number;
  /** Bytes of all request bodies that have not arrived whole. */
  readonly arrivingBytes: number;
  /** Bytes that may wait for one watcher, and for all of them. */
  readonly watcherBytes: number;
  readonly watchersBytes: number;
}

export const HTTP_LIMITS: HttpLimits = {
  requestMs: 60_000,
  headersMs: 32_000,
  idleMs: 90_000,
  pingEveryMs: 30_000,
  stalledMs: 60_000,
  streamsPerConnection: 250,
  connections: 16_384,
  inFlight: 600,
  arrivingBytes: 128 << 20,
  watcherBytes: 8 << 20,
  watchersBytes: 512 << 20,
};

export const HEADERS_MAX = 64 * 1024;

// How much memory the server's process may hold on to beyond what it uses. Whoever starts it (a child of `skiff up`, a
// unit, a bench) starts it so: none of this can be said once it runs.

/**
 * A smaller nursery, and an old generation that is collected at 1.8 times what was alive rather than at four times.
 * It costs: a write takes 1.1 to 1.3 times the CPU, most of it in the threads that collect (docs/decisions.md).
 */
export const SERVER_NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=16',
  '--heap-growing-percent=80',
  '--expose-gc',
];

/** Undefined where the process was not started with the flags. */
export function nurseryCollector(): (() => void) | undefined {
  const { gc } = globalThis;
  return gc && (() => void gc({ type: 'minor' }));
}

/** One arena: the threads of V8 and SQLite would keep some 40 MB of freed memory in theirs. */
export const SERVER_ENVIRONMENT: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' };

// How much memory server and agent may hold on to beyond what they use. Whoever starts them (a child of `skiff up`, a
// unit, a test, a bench) starts them so: none of this can be said once they run.

/**
 * A small nursery, and an old generation that is collected at 1.8 times what was alive rather than at four times.
 * It costs: a write takes about 1.1 times the server's CPU, most of it in the threads that collect (docs/decisions.md).
 */
const flags = (nurseryMb: number): readonly string[] => [
  `--max-semi-space-size=${nurseryMb}`,
  '--heap-growing-percent=80',
  '--expose-gc',
];

export const NODE_FLAGS = { server: flags(16), agent: flags(4) } as const;

/** One arena: the threads of V8, libuv and SQLite would keep what is freed in theirs, 40 MB in a server. */
export const ENVIRONMENT: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' };

/** What V8 can be told to collect; undefined where the process was not started with the flags. */
export function collectors(): { nursery: () => void; all: () => void } | undefined {
  const { gc } = globalThis;
  return gc && { nursery: () => void gc({ type: 'minor' }), all: () => void gc() };
}

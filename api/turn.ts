// Long work on the main thread gives way here, so that no turn of the event loop takes more than a few milliseconds.

/** Resolves in the next turn of the event loop, after pending I/O had its chance. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

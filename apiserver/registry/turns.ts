// Long loops give the event loop back: no turn may take more than 10 ms, whoever else is waiting.
import { nextTurn } from '../../api/turn.ts';

/** Walks `items`, letting others run after every `perTurn` of them. Ends early when `visit` returns false. */
export async function eachInTurns<T>(
  items: Iterable<T>,
  perTurn: number,
  visit: (item: T) => boolean | undefined,
): Promise<void> {
  let count = 0;
  for (const item of items) {
    if (visit(item) === false) return;
    if (++count % perTurn === 0) await nextTurn();
  }
}

// Long loops give the event loop back: no turn may take more than 10 ms, whoever else is waiting.
import { nextTurn } from '../../api/turn.ts';

/** What `make` makes of each, letting others run after every `perTurn` of them: decoding a long list takes a while. */
export async function mapInTurns<T, R>(items: readonly T[], perTurn: number, make: (item: T) => R): Promise<R[]> {
  const made: R[] = [];
  await eachInTurns(items, perTurn, (item) => {
    made.push(make(item));
    return true;
  });
  return made;
}

/** Objects decoded, or rows made, in one turn: some milliseconds' worth. */
export const DECODED_PER_TURN = 100;

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

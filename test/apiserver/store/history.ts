// A recorder of what several clients did at once, and the question whether it can have happened one after the other:
// every operation between its start and its end (linearizable), every compare against the state before it. What was
// really written, and in which order, is taken from a watch; every value is written once.
import assert from 'node:assert/strict';
import {
  LeaseNotFoundError,
  OutcomeUnknownError,
  type Store,
  type StoreEvent,
  UnavailableError,
} from '../../../apiserver/store/store.ts';

interface Done {
  readonly start: number;
  readonly end: number;
}
type Operation = Done &
  (
    | { readonly did: 'write'; readonly key: string; readonly value: string; readonly compared: number | undefined }
    | { readonly did: 'refused'; readonly key: string; readonly found: number; readonly revision: number }
    | { readonly did: 'read'; readonly key: string; readonly found: number }
    | { readonly did: 'unknown'; readonly value: string }
    | { readonly did: 'failed'; readonly value: string }
  );

export class HistoryRecorder {
  readonly #store: Store;
  readonly #operations: Operation[] = [];
  /** Instants are counted, not timed: one more at each start and each end. */
  #instant = 0;
  #values = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get operations(): number {
    return this.#operations.length;
  }

  async read(key: string): Promise<number> {
    const start = ++this.#instant;
    const found = (await this.#store.get(key))?.modRevision ?? 0;
    this.#operations.push({ did: 'read', key, found, start, end: ++this.#instant });
    return found;
  }

  async write(key: string, compared?: number): Promise<void> {
    const start = ++this.#instant;
    const value = `value-${++this.#values}`;
    const compares = compared === undefined ? [] : [{ key, modRevision: compared }];
    try {
      const result = await this.#store.txn({ compares, ops: [{ put: key, value: Buffer.from(value) }] });
      const end = ++this.#instant;
      if (result.ok) this.#operations.push({ did: 'write', key, value, compared, start, end });
      else {
        const found = result.current[0]?.modRevision ?? 0;
        this.#operations.push({ did: 'refused', key, found, revision: result.revision, start, end });
      }
    } catch (err) {
      assert.ok(!(err instanceof LeaseNotFoundError));
      // A repeated write without precondition may have happened although the last try says it cannot be told.
      const unknown = err instanceof OutcomeUnknownError || compared === undefined;
      if (!unknown && !(err instanceof UnavailableError)) throw err;
      this.#operations.push({ did: unknown ? 'unknown' : 'failed', value, start, end: ++this.#instant });
    }
  }

  /** `told` is everything a watch said from before the first operation to after the last. */
  check(told: readonly { revision: number; events: readonly StoreEvent[] }[]): void {
    const writes = told.flatMap(({ events }) =>
      events.map(({ kv }) => ({ key: kv.key, revision: kv.modRevision, value: `${kv.value}` })),
    );
    const revisionsOf = (value: string) => writes.filter((one) => one.value === value).map(({ revision }) => revision);
    const newestOf = (key: string, upTo: number) =>
      writes.findLast((one) => one.key === key && one.revision <= upTo)?.revision ?? 0;
    // The newest revision that somebody had been told of at an instant.
    const acknowledged: { end: number; revision: number }[] = [];
    for (const one of this.#operations) {
      if (one.did !== 'write') continue;
      const revision = revisionsOf(one.value)[0];
      assert.ok(revision !== undefined, `${one.value} was acknowledged and a watch never told of it`);
      acknowledged.push({ end: one.end, revision });
    }
    const toldBy = (instant: number) =>
      Math.max(0, ...acknowledged.filter(({ end }) => end < instant).map(({ revision }) => revision));
    for (const one of this.#operations) {
      const known = toldBy(one.start);
      if (one.did === 'write') {
        const revision = revisionsOf(one.value).at(-1) ?? 0;
        assert.ok(revision > known, `${one.value} at ${revision} was written after ${known} was acknowledged`);
        if (one.compared !== undefined) assert.equal(newestOf(one.key, revision - 1), one.compared, 'the compare held');
      } else if (one.did === 'refused') {
        assert.equal(newestOf(one.key, one.revision), one.found, 'what it was refused for was there');
        assert.ok(one.revision >= known, 'a refusal is not of the past');
      } else if (one.did === 'read') {
        const next = writes.find((write) => write.key === one.key && write.revision > one.found)?.revision;
        assert.ok(next === undefined || next > known, `a read found ${one.found} when ${next} was acknowledged`);
        const writer = this.#operations.find((op) => op.did === 'write' && revisionsOf(op.value)[0] === one.found);
        assert.ok(writer === undefined || writer.start < one.end, 'a read does not look ahead');
      } else if (one.did === 'failed') assert.deepEqual(revisionsOf(one.value), [], 'what failed did not happen');
    }
  }
}

/** Several clients on a few keys: blind writes, compare-and-set, reads. */
export async function contend(
  recorder: HistoryRecorder,
  prefix: string,
  clients: number,
  rounds: number,
): Promise<void> {
  const client = async (n: number) => {
    for (let i = 0; i < rounds; i++) {
      const key = `${prefix}k${(n + i) % 3}`;
      if ((n + i) % 5 === 0) await recorder.write(key);
      else await recorder.write(key, await recorder.read(key));
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, n) => client(n)));
}

// Run by crash.test.ts as a process of its own, to be killed: writers that report what they try before and what was
// acknowledged after, line by line on standard output.
import { writeSync } from 'node:fs';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { EmbeddedStore } from '../../../apiserver/store/embedded.ts';

/** Reported at once, not when the event loop comes to it: the process may be killed in the next instant. */
function report(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (err) {
      // The parent has not read what was reported before.
      if (!(err instanceof Error && 'code' in err && err.code === 'EAGAIN')) throw err;
    }
  }
}

const [path = '', round = '', compacting = ''] = process.argv.slice(2);
const store = await EmbeddedStore.open({
  path,
  clock: systemClock,
  log: silent,
  onFatal(error) {
    report(`fatal ${error.message}`);
    process.exit(3);
  },
});
report(`open ${store.revision}`);

async function writer(n: number): Promise<void> {
  for (let i = 0; ; i++) {
    const value = `${round}.${i}.${'x'.repeat((i * 37) % 3000)}`;
    const count = `${Number(round) * 1_000_000 + i}`;
    report(`try ${n} ${count}`);
    const ops = [
      { put: `/crash/value/${n}`, value: Buffer.from(value) },
      { put: `/crash/count/${n}`, value: Buffer.from(count) },
    ];
    const { revision } = await store.txn({ compares: [], ops });
    report(`ack ${n} ${count} ${revision}`);
  }
}

async function compactor(): Promise<void> {
  for (;;) {
    await systemClock.sleep(10);
    if (store.revision - 20 > store.compactedRevision) await store.compact(store.revision - 10);
  }
}

await Promise.all([...Array.from({ length: 8 }, (_, n) => writer(n)), ...(compacting === '' ? [] : [compactor()])]);

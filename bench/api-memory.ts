// Memory of the server (run=api, bundled): idle, after 20,000 writes on 5,000 pods, and a while later; and how soon it
// serves a store of 100,000 objects. The floor is the bare listener with a bare store.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silent } from '../api/log.ts';
import { systemClock } from '../api/system.ts';
import { EmbeddedStore } from '../apiserver/store/embedded.ts';
import { podText } from './api/pods.ts';
import { LONG, openBench } from './api/process.ts';
import { table } from './figures.ts';

const PODS = 5_000;
const WRITES = 20_000;
const LATER_MS = LONG ? 60_000 : 15_000;
const OBJECTS = 100_000;

await using bench = await openBench();

async function memory() {
  await using server = await bench.server();
  await sleep(3_000);
  const idle = server.memory();
  await server.run({ job: 'requests', verb: 'create', clients: 64, prefix: 'pod-', from: 0, to: PODS });
  for (let done = PODS; done < WRITES; done += PODS) {
    await server.run({ job: 'requests', verb: 'update', clients: 64, prefix: 'pod-', from: 0, to: PODS });
  }
  const written = server.memory();
  await sleep(LATER_MS);
  return { idle, written, later: server.memory() };
}

/** As the server would have written them, without going through it. */
async function fill(path: string): Promise<void> {
  const onFatal = (err: Error) => {
    throw err;
  };
  await using store = await EmbeddedStore.open({ path, clock: systemClock, log: silent, onFatal });
  const { apiVersion, kind, metadata, spec } = JSON.parse(podText('x'));
  const batch = 1_000;
  for (let from = 0; from < OBJECTS; from += batch) {
    await Promise.all(
      Array.from({ length: batch }, (_, i) => {
        const name = `pod-${from + i}`;
        const value = Buffer.from(JSON.stringify({ kind, apiVersion, metadata: { ...metadata, name }, spec }));
        return store.txn({ compares: [], ops: [{ put: `/registry/pods/default/${name}`, value }] });
      }),
    );
  }
}

async function recovery() {
  const server = join(bench.folder, 'full/server');
  await mkdir(server, { recursive: true });
  await fill(join(server, 'store.db'));
  await using empty = await bench.server();
  await using full = await bench.server('full');
  return { emptyMs: empty.startedMs, fullMs: full.startedMs, memory: full.memory() };
}

async function floorMemory() {
  await using bare = await bench.floor();
  await sleep(1_000);
  return bare.memory();
}

const floor = await floorMemory();
const { idle, written, later } = await memory();
const { emptyMs, fullMs, memory: recovered } = await recovery();
table('memory of the server', [
  { when: 'bare listener and store', 'RSS MB': floor.rssMb, 'at most': '' },
  { when: 'idle', 'RSS MB': idle.rssMb, 'at most': 110 },
  { when: `after ${WRITES} writes on ${PODS} pods`, 'RSS MB': written.rssMb, 'at most': 250 },
  { when: `${LATER_MS / 1000} s later`, 'RSS MB': later.rssMb, 'at most': '' },
  { when: `${OBJECTS} pods of 1.5 KB opened`, 'RSS MB': recovered.rssMb, 'at most': '' },
]);
table('until it serves', [
  { data: 'a fresh store', ms: emptyMs, 'at most': '' },
  { data: `${OBJECTS} objects`, ms: fullMs, 'at most': 3_000 },
]);

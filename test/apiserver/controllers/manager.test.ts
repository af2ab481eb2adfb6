import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { silent } from '../../../api/log.ts';
import { systemRandom } from '../../../api/system.ts';
import type { Controller } from '../../../apiserver/controllers/deps.ts';
import { runControllers } from '../../../apiserver/controllers/manager.ts';
import { settle, VirtualClock } from '../../sim/virtual-clock.ts';
import { reserved } from './example.ts';

const nobody = {} as Client;
const deps = {
  reader: nobody,
  clientFor: () => nobody,
  settings: { rootCa: '', clusterCidrs: [], reserved, signToken: () => '' },
  clock: new VirtualClock(),
  random: systemRandom,
  log: silent,
};

/** Works until the signal aborts, and then for as long as `lasting` says. */
function working(lasting: Promise<void>): { controller: Controller; state: { ended: boolean } } {
  const state = { ended: false };
  const controller: Controller = () => async (signal) => {
    await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
    await lasting;
    state.ended = true;
  };
  return { controller, state };
}

test('a controller that fails ends the others, and is told when all have ended', async () => {
  const last = Promise.withResolvers<void>();
  const other = working(last.promise);
  const failing: Controller = () => () => Promise.reject(new Error('broken controller'));
  let told = false;
  const running = runControllers(deps, new AbortController().signal, { failing, other: other.controller }).finally(
    () => {
      told = true;
    },
  );
  const outcome = assert.rejects(running, /broken controller/);
  await settle();
  assert.equal(told, false);
  last.resolve();
  await outcome;
  assert.ok(other.state.ended);
});

test('controllers that are interrupted by the end have not failed', async () => {
  const stop = new AbortController();
  const waiting: Controller = () => (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  const other = working(Promise.resolve());
  const running = runControllers(deps, stop.signal, { waiting, other: other.controller });
  stop.abort(new Error('the server ends'));
  await running;
  assert.ok(other.state.ended);
});

// Between a pod's deletion and the signal: how long, in which order, and when not at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { farewell, farewellMs, type Offer, offerOf } from '../../../agent/pods/farewell.ts';
import { silent } from '../../../api/log.ts';
import type { EndpointSlice } from '../../../api/types/discovery/endpoint-slice.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { aPod } from './make.ts';

type Conditions = { ready?: boolean; serving?: boolean; terminating?: boolean };
const slice = (conditions: Conditions, uid = 'uid-1'): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 's', uid: 's', resourceVersion: '1', creationTimestamp: '' },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.42.0.5'], conditions, targetRef: { kind: 'Pod', uid } }],
  ports: [],
});
const LEAVING = { ready: false, serving: true, terminating: true };

const offers: [it: string, EndpointSlice[], Offer][] = [
  ['in no slice', [], 'none'],
  ['in slices of others', [slice({ ready: true }, 'other')], 'none'],
  ['ready in one slice', [slice({ ready: false }), slice({ ready: true })], 'offered'],
  ['of unknown readiness', [slice({})], 'offered'],
  ['said to be leaving', [slice(LEAVING)], 'withdrawn'],
  ['published although it leaves', [slice({ ready: true, serving: true, terminating: true })], 'withdrawn'],
  ['that was not ready', [slice({ ready: false, serving: false, terminating: true })], 'none'],
];
for (const [it, slices, wants] of offers) {
  test(`a pod ${it} counts as ${wants}`, () => assert.equal(offerOf(aPod(), slices), wants));
}

const leaving = aPod({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
const limits: [ReturnType<typeof aPod>, grace: number, longestMs: number, wants: number][] = [
  [leaving, 30, 1_000, 1_000],
  [leaving, 3, 1_000, 750],
  [leaving, 2, 1_000, 0],
  [leaving, 30, 0, 0],
  [aPod(), 30, 1_000, 0],
];
for (const [pod, grace, longestMs, wants] of limits) {
  const what = pod === leaving ? 'deleted' : 'restarting';
  test(`a ${what} pod with ${grace} s of grace waits at most ${wants} of ${longestMs} ms`, () =>
    assert.equal(farewellMs(pod, grace, { longestMs, peersMs: 200 }), wants));
}

/** When each thing happens after the deletion, and when the wait is over. */
const waits: { it: string; slicesAtMs: number; kernelMs: number; wants: number }[] = [
  { it: 'for the slices, then the kernel, then the peers', slicesAtMs: 100, kernelMs: 50, wants: 350 },
  { it: 'for kernel and peers where the slices are ahead', slicesAtMs: 0, kernelMs: 50, wants: 250 },
  { it: 'no longer than its limit for slices that do not change', slicesAtMs: 5_000, kernelMs: 0, wants: 1_000 },
  { it: 'no longer than its limit for a kernel that hangs', slicesAtMs: 100, kernelMs: 60_000, wants: 1_000 },
  { it: 'no longer than its limit for the peers', slicesAtMs: 900, kernelMs: 0, wants: 1_000 },
];
for (const { it, slicesAtMs, kernelMs, wants } of waits) {
  test(`a pod that leaves waits ${it}`, async () => {
    const clock = new VirtualClock();
    const startMs = clock.monotonic();
    const slices = () => [slice(clock.monotonic() - startMs >= slicesAtMs ? LEAVING : { ready: true })];
    const settled = (signal: AbortSignal) => clock.sleep(kernelMs, signal);
    let tookMs = -1;
    const done = farewell(
      leaving,
      1_000,
      200,
      { slices, settled, clock, log: silent },
      new AbortController().signal,
    ).then(() => {
      tookMs = clock.monotonic() - startMs;
    });
    await clock.advance(2_000);
    await done;
    assert.equal(tookMs, wants);
  });
}

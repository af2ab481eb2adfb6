import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signalNumber } from '../../../agent/cri/tasks.ts';
import { goDuration } from '../../../agent/pods/duration.ts';
import { containerLogLink } from '../../../agent/pods/names.ts';
import { initial, judge, type Kind } from '../../../agent/pods/probes/tally.ts';
import { statusPatch } from '../../../agent/pods/status-patch.ts';
import { unsupported } from '../../../agent/pods/unsupported.ts';
import type { PodStatus } from '../../../api/types/core/pod-status.ts';
import { Lifecycle } from '../../../api/types/core/probe.ts';
import { ABLE, aContainer, aPod } from './make.ts';

const durations: [number, string][] = [
  [0, '0s'],
  [120, '120ms'],
  [1_500, '1.5s'],
  [10_000, '10s'],
  [80_000, '1m20s'],
  [300_000, '5m0s'],
  [3_661_000, '1h1m1s'],
];
for (const [ms, wants] of durations) test(`${ms} ms is written ${wants}`, () => assert.equal(goDuration(ms), wants));

const answers = (kind: Kind, results: string, probe = { failureThreshold: 3, successThreshold: 1 }) =>
  [...results].reduce(
    (tally, letter) =>
      judge(tally, ({ s: 'success', f: 'failure', w: 'warning', e: 'error' } as const)[letter]!, probe),
    initial(kind, false),
  ).verdict;
const tallies: [Kind, string, string][] = [
  ['liveness', '', 'success'],
  ['liveness', 'ff', 'success'],
  ['liveness', 'fff', 'failure'],
  ['liveness', 'ffsff', 'success'],
  ['liveness', 'ffeef', 'failure'],
  ['readiness', '', 'failure'],
  ['readiness', 's', 'success'],
  ['readiness', 'w', 'success'],
  ['readiness', 'sfff', 'failure'],
  ['startup', '', 'unknown'],
  ['startup', 'ffs', 'success'],
  ['startup', 'fff', 'failure'],
];
for (const [kind, results, wants] of tallies) {
  test(`a ${kind} probe answered "${results}" says ${wants}`, () => assert.equal(answers(kind, results), wants));
}

test('a success threshold asks for several in a row', () => {
  const probe = { failureThreshold: 1, successThreshold: 2 };
  assert.equal(answers('readiness', 'sfs', probe), 'failure');
  assert.equal(answers('readiness', 'sfss', probe), 'success');
});

const status: PodStatus = {
  phase: 'Running',
  podIP: '10.42.0.5',
  podIPs: [{ ip: '10.42.0.5' }],
  containerStatuses: [{ name: 'web', ready: true, restartCount: 0, image: 'a', imageID: '', lastState: {} }],
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
};
const patch = (before: PodStatus, after: PodStatus) => statusPatch(aPod({ status: before }), after);

test('what the API has already is not written', () => {
  const filledIn = { ...status, conditions: [{ ...status.conditions![0]!, lastProbeTime: null as unknown as string }] };
  assert.equal(patch({ ...filledIn, qosClass: 'Burstable' }, status), undefined);
});

test('only what differs is written, and what is gone is named', () => {
  const before: PodStatus = { ...status, reason: 'x', phase: 'Pending' };
  assert.deepEqual(patch(before, status), {
    metadata: { uid: 'uid-1' },
    status: { phase: 'Running', reason: null },
  });
});

test('a condition that no longer has a reason loses it', () => {
  const had = { type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'm' };
  assert.deepEqual(patch({ ...status, conditions: [had] }, status), {
    metadata: { uid: 'uid-1' },
    status: { conditions: [{ reason: null, message: null, ...status.conditions![0] }] },
  });
});

test('a changed address replaces the list instead of joining it', () => {
  const after = { ...status, podIP: '10.42.0.6', podIPs: [{ ip: '10.42.0.6' }] };
  assert.deepEqual(patch(status, after), {
    metadata: { uid: 'uid-1' },
    status: { podIP: '10.42.0.6', podIPs: [{ ip: '10.42.0.6' }, { $patch: 'replace' }] },
  });
});

test('the link to a log fits a file name however long the names are', () => {
  const folders = { kubeletDir: '', podLogsDir: '', containerLogsDir: '/c' };
  const pod = { name: 'p'.repeat(253), namespace: 'n'.repeat(63), uid: 'u' };
  const link = containerLogLink(folders, pod, 'c'.repeat(63), 'f'.repeat(64));
  assert.ok(link.length - '/c/'.length <= 255, `${link.length}`);
  assert.ok(link.endsWith(`-${'f'.repeat(64)}.log`));
});

const able = ABLE;

test('a plain pod asks for nothing this node lacks', () => assert.equal(unsupported(aPod(), able), undefined));

test('everything that is missing is named at once', () => {
  const pod = aPod({
    containers: [aContainer('web', { restartPolicyRules: [{ action: 'RestartAllContainers' }] })],
    spec: { hostUsers: false, volumes: [{ name: 'data', nfs: { server: 's', path: '/' } }] },
  });
  const message = unsupported(pod, able);
  for (const part of ['volume "data" of type nfs', 'user namespaces', 'a restart rule of container "web"']) {
    assert.ok(message?.includes(part), `${part} in ${message}`);
  }
});

test('every stop signal that the API knows has a number', () => {
  const schema = Lifecycle.fields['stopSignal']?.schema as { constraints?: { enum?: readonly unknown[] } } | undefined;
  const names = schema?.constraints?.enum ?? [];
  assert.ok(names.length > 60);
  for (const name of names) assert.ok((signalNumber(String(name)) ?? 0) > 0, String(name));
  assert.deepEqual(['SIGTERM', 'SIGRTMIN', 'SIGRTMIN+3', 'SIGRTMAX-1', 'SIGRTMAX', 'SIGNONE', ''].map(signalNumber), [
    15,
    34,
    37,
    63,
    64,
    undefined,
    undefined,
  ]);
});

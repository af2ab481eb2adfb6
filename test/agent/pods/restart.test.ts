// Whether a container starts again, and what that makes of the pod.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortened } from '../../../agent/pods/last-words.ts';
import { nodeRefusal } from '../../../agent/pods/node-refusals.ts';
import { verdict } from '../../../agent/pods/phase.ts';
import { planPod } from '../../../agent/pods/plan.ts';
import { startsAgain } from '../../../agent/pods/restart.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { ABLE, aContainer, aPod, aSandbox, aWorld, exited, running } from './make.ts';

const rule = (operator: 'In' | 'NotIn', ...values: number[]) => ({
  action: 'Restart',
  exitCodes: { operator, values },
});
const again: [string, string | undefined, Partial<Container>, number, boolean][] = [
  ['by its own policy', 'Never', { restartPolicy: 'Always' }, 0, true],
  ['not by its own policy', 'Always', { restartPolicy: 'Never' }, 1, false],
  ['only after a failure', 'Always', { restartPolicy: 'OnFailure' }, 0, false],
  ["by the pod's policy", 'OnFailure', {}, 3, true],
  ['by default', undefined, {}, 0, true],
  ['by a rule', 'Never', { restartPolicy: 'Never', restartPolicyRules: [rule('In', 42, 43)] }, 43, true],
  ['by no rule', 'Never', { restartPolicy: 'Never', restartPolicyRules: [rule('In', 42)] }, 1, false],
  ['by what a rule leaves out', 'Never', { restartPolicy: 'Never', restartPolicyRules: [rule('NotIn', 1)] }, 2, true],
  ['not by what a rule names', 'Never', { restartPolicy: 'Never', restartPolicyRules: [rule('NotIn', 1)] }, 1, false],
  ['by the second rule', 'Never', { restartPolicyRules: [rule('In', 1), rule('In', 2)] }, 2, true],
];
for (const [it, restartPolicy, more, exitCode, wants] of again) {
  test(`a container that ended with ${exitCode} starts again ${it}: ${wants}`, () => {
    const container = aContainer('web', more);
    const spec = restartPolicy === undefined ? {} : { restartPolicy };
    const pod = { ...aPod({ containers: [container] }), spec: { ...spec, containers: [container] } } as Pod;
    assert.equal(startsAgain(pod, container, exitCode), wants);
  });
}

test('an init container with a rule of its own runs again in a pod that never restarts', () => {
  const init = aContainer('init', { restartPolicy: 'Never', restartPolicyRules: [rule('In', 7)] });
  const pod = aPod({ inits: [init], spec: { restartPolicy: 'Never' } });
  const world = (exitCode: number) => aWorld([aSandbox()], [exited('init', { exitCode })], { present: ['init'] });
  assert.equal(verdict(pod, world(7), 10_000), undefined);
  assert.deepEqual(planPod(pod, world(7), 10_000), [
    { do: 'startContainer', name: 'init', attempt: 1, backOffMs: 10_000 },
  ]);
  assert.deepEqual(verdict(pod, world(8), 10_000), { phase: 'Failed' });
});

test('a pod is over when none of its containers starts again, whatever the pod says', () => {
  const [job, side] = [
    aContainer('job', { restartPolicy: 'Never' }),
    aContainer('side', { restartPolicy: 'OnFailure' }),
  ];
  const pod = aPod({ containers: [job, side] });
  const world = (a: number, b: number) =>
    aWorld([aSandbox()], [exited('job', { exitCode: a }), exited('side', { exitCode: b })]);
  assert.deepEqual(verdict(pod, world(0, 0), 0), { phase: 'Succeeded' });
  assert.deepEqual(verdict(pod, world(1, 0), 0), { phase: 'Failed' });
  assert.equal(verdict(pod, world(0, 1), 0), undefined);
  assert.equal(verdict(pod, aWorld([aSandbox()], [exited('job'), running('side')]), 0), undefined);
});

const refusals: [string, Pod['spec'] | object, string | undefined][] = [
  ['a safe sysctl', { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] } }, undefined],
  [
    'one written with slashes',
    { securityContext: { sysctls: [{ name: 'net/ipv4/tcp_rmem', value: '1' }] } },
    undefined,
  ],
  ['one that the node allows', { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }, undefined],
  ['any other', { securityContext: { sysctls: [{ name: 'vm.swappiness', value: '1' }] } }, 'SysctlForbidden'],
  [
    "one of the host's network",
    { hostNetwork: true, securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } },
    'SysctlForbidden',
  ],
  ['AppArmor', { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }, 'AppArmor'],
  ['no AppArmor', { securityContext: { appArmorProfile: { type: 'Unconfined' } } }, undefined],
  ['another system', { os: { name: 'windows' } }, 'PodOSNotSupported'],
  [
    'strict groups',
    { securityContext: { supplementalGroupsPolicy: 'Strict' } },
    'SupplementalGroupsPolicyNotSupported',
  ],
];
for (const [it, spec, wants] of refusals) {
  test(`a pod that asks for ${it} is ${wants === undefined ? 'let in' : `refused with ${wants}`}`, () => {
    const answer = nodeRefusal(aPod({ spec }), { ...ABLE, unsafeSysctls: ['kernel.msg*'] });
    assert.equal(answer?.reason, wants);
  });
}

test('last words of many containers share what one pod may say, and are never cut within a character', () => {
  const end = (name: string, message: string) => ({
    ...{ name, ready: false, restartCount: 0, image: '', imageID: '' },
    state: { terminated: { exitCode: 1, message } },
  });
  const status = { containerStatuses: ['a', 'b', 'c', 'd'].map((name) => end(name, '\u20AC'.repeat(1_100))) };
  const words = (shortened(status).containerStatuses ?? []).map(({ state }) => state?.terminated?.message ?? '');
  assert.deepEqual(words, Array(4).fill('\u20AC'.repeat(1_024)));
  assert.equal(
    shortened({ containerStatuses: [end('a', 'x')] }).containerStatuses?.[0]?.state?.terminated?.message,
    'x',
  );
});

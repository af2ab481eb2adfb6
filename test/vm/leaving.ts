// Pods that leave evidence of how they ended on the machine's disk, by the clock that counts from the kernel's start.
import assert from 'node:assert/strict';
import type { Machine } from './harness/machine.ts';
import { aPod } from './harness/skiff.ts';

const DIR = '/root/evidence';
const FILE = `${DIR}/log`;
export const SHARES = { ordinary: 20, critical: 8 };
export const SHUTDOWN_FLAGS = `--shutdown-grace-period=${SHARES.ordinary + SHARES.critical}s --shutdown-grace-period-critical-pods=${SHARES.critical}s`;

const volume = {
  volumeMounts: [{ name: 'evidence', mountPath: DIR }],
};
const note = (name: string) => `note() { read up rest < /proc/uptime; echo "$up ${name} $1" >> ${FILE}; }`;
const leaver = (name: string, script: string, spec: object = {}) =>
  aPod(
    name,
    { command: ['sh', '-c', `${note(name)}; ${script}`], ...volume },
    { volumes: [{ name: 'evidence', hostPath: { path: DIR, type: 'DirectoryOrCreate' } }], ...spec },
  );

/** One that takes two seconds, one that never ends by itself, and one that the node needs. */
export const LEAVERS = [
  leaver('polite', 'trap "note TERM; sleep 2; note done; exit 0" TERM; while :; do sleep 3600 & wait $!; done'),
  leaver('stubborn', 'trap "note TERM; told=yes" TERM; while :; do sleep 1; [ "$told" ] && note lives; done', {
    terminationGracePeriodSeconds: 600,
  }),
  leaver('vital', 'trap "note TERM; note done; exit 0" TERM; while :; do sleep 3600 & wait $!; done', {
    priorityClassName: 'system-node-critical',
  }),
];
export const LEAVER_NAMES = ['polite', 'stubborn', 'vital'];

export async function leftInOrder(machine: Machine): Promise<string> {
  const { stdout } = await machine.sh(`cat ${FILE}`);
  const notes = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as [string, string, string]);
  const at = (name: string, what: string) => {
    const found = notes.findLast((each) => each[1] === name && each[2] === what);
    assert.ok(found, `${name} ${what}:\n${stdout}`);
    return Number(found[0]);
  };
  const within = (what: string, seconds: number, min: number, max: number) =>
    assert.ok(seconds >= min && seconds <= max, `${what}: ${seconds} s, not ${min} to ${max}:\n${stdout}`);
  at('polite', 'done');
  // A kill comes when the share is used up, give or take what a slow machine takes to notice.
  const stubbornSeconds = at('stubborn', 'lives') - at('stubborn', 'TERM');
  within('the stubborn one lived on', stubbornSeconds, SHARES.ordinary - 8, SHARES.ordinary + 4);
  assert.ok(at('vital', 'TERM') > at('stubborn', 'lives'), `critical pods are told last:\n${stdout}`);
  at('vital', 'done');
  return stdout;
}

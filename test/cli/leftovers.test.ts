import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logsOf, mountsBelow, notesOf, ourLinks, ourTables, type ProcessView, shimTrees } from '../../cli/leftovers.ts';

const SOCKET = '/run/skiff/containerd/containerd.sock';
const shim = (pid: number, socket: string, sharesMounts = true): ProcessView => ({
  pid,
  parent: 1,
  args: ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'k8s.io', '-id', 'x', '-address', socket],
  sharesMounts,
});
const child = (pid: number, parent: number): ProcessView => ({ pid, parent, args: ['sleep'], sharesMounts: false });

test('only shims of our socket, seen from our mounts, and what runs below them are ours', () => {
  const processes = [
    shim(10, SOCKET),
    child(11, 10),
    child(12, 11),
    shim(20, '/run/containerd/containerd.sock'),
    child(21, 20),
    shim(30, SOCKET, false),
    child(31, 30),
    { pid: 40, parent: 1, args: ['vim', '-address', SOCKET], sharesMounts: true },
  ];
  assert.deepEqual(shimTrees(processes, SOCKET), { shims: [10], containers: [11, 12], sandboxIds: ['x'] });
});

test('mounts are found strictly below a folder, the last one first', () => {
  const line = (point: string) => `1 2 0:3 / ${point} rw - tmpfs tmpfs rw`;
  const points = [
    '/var/lib/skiff',
    '/var/lib/skiff/a',
    '/var/lib/skiff/a/b',
    '/var/lib/skiffer/c',
    '/var/lib/skiff/with\\040space',
  ];
  assert.deepEqual(mountsBelow(points.map(line).join('\n'), ['/var/lib/skiff']), [
    '/var/lib/skiff/with space',
    '/var/lib/skiff/a/b',
    '/var/lib/skiff/a',
  ]);
});

test('tables and interfaces of others are left alone', () => {
  assert.deepEqual(ourTables('table inet skiff\ntable ip nat\ntable inet skiff-test\ntable ip6 kube-proxy\n'), [
    { family: 'inet', name: 'skiff' },
    { family: 'inet', name: 'skiff-test' },
  ]);
  assert.deepEqual(ourLinks('1: lo: <LOOPBACK>\n7: skiff.vx: <UP>\n8: eth0@if9: <UP>\n9: skiff0@if3: <UP>\n'), [
    'skiff.vx',
    'skiff0',
  ]);
});

test('logs belong to a pod by its id', () => {
  const folders = ['default_web_u1', 'kube-system_x_u2', 'default_u1_u3', 'else'];
  assert.deepEqual(logsOf(folders, new Set(['u1'])), ['default_web_u1']);
});

test('notes of network plugins are ours by sandbox, by the folder they name, or by network when a crash emptied them', () => {
  const [killed, rebooted, crashed, foreign] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64));
  const note = (name: string, text: string) => ({ name, text });
  const notes = [
    note(`cni-loopback-${killed}-lo`, '{}'),
    note(`cni-loopback-${rebooted}-lo`, '{"sandbox":"/run/skiff/containerd/netns/cni-1"}'),
    note(`skiff-${crashed}-eth0`, '\0\0'),
    note(`cni-loopback-${crashed}-lo`, ''),
    note(`cni-loopback-${foreign}-lo`, '{"sandbox":"/run/netns/cni-2"}'),
    note(`skiff-${foreign}-eth0`, '{"sandbox":"/run/other/netns/cni-2"}'),
    note('other', ''),
  ];
  const ours = { sandboxIds: [killed!], stateDir: '/run/skiff/containerd', network: 'skiff' };
  assert.deepEqual(
    notesOf(notes, ours),
    notes.slice(0, 4).map(({ name }) => name),
  );
});

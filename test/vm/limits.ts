// Whether pods are confined as they asked for: as the kernel tells it, starting from the process and not from names
// that the test would guess.
import assert from 'node:assert/strict';
import type { Machine } from './harness/machine.ts';
import { aPod, mainOf, type Skiff } from './harness/skiff.ts';

interface Fields {
  readonly [name: string]: string;
}

const MiB = 1024 * 1024;
export const CTR = 'ctr --address /run/skiff/containerd/containerd.sock -n k8s.io';

/** One of each class. */
export const CLASSES = [
  aPod('guaranteed', { resources: { limits: { cpu: '200m', memory: '64Mi' } } }),
  aPod('burstable', { resources: { requests: { cpu: '100m', memory: '32Mi' }, limits: { memory: '96Mi' } } }),
  aPod('besteffort'),
];

/** `pids` is what a pod may have of them. Of kills as a whole systemd knows nothing: a reload makes it forget them. */
export async function limitsHold(
  skiff: Skiff,
  machine: Machine,
  { pids = 'max', reloaded = false }: { pids?: string; reloaded?: boolean } = {},
): Promise<void> {
  const wants: [name: string, slice: string, pod: Fields][] = [
    ['guaranteed', 'kubepods', { 'memory.max': `${64 * MiB}`, 'cpu.max': '20000 100000', 'cpu.weight': '8' }],
    ['burstable', 'kubepods-burstable', { 'memory.max': `${96 * MiB}`, 'cpu.max': 'max 100000', 'cpu.weight': '4' }],
    ['besteffort', 'kubepods-besteffort', { 'memory.max': 'max', 'cpu.max': 'max 100000', 'cpu.weight': '1' }],
  ];
  for (const [name, slice, pod] of wants) {
    const files: Fields = { ...pod, 'pids.max': pids };
    // The machine has swap, and nobody was told that pods may use it.
    const own = {
      'memory.max': files['memory.max']!,
      'memory.swap.max': '0',
      ...(!reloaded && { 'memory.oom.group': '1' }),
    };
    const found = await skiff.pod(name);
    const [, id] = mainOf(found).containerID!.split('://');
    const podSlice = `${slice}-pod${found.metadata.uid.replaceAll('-', '_')}.slice`;
    const { stdout } = await machine.sh(
      `pid=$(${CTR} tasks list | awk '$1 == "${id}" { print $2 }')
       path=$(sed -n s/^0:://p /proc/$pid/cgroup); echo "path=$path"
       cd "/sys/fs/cgroup$path"; for file in ${Object.keys(own).join(' ')}; do echo "own $file=$(cat $file)"; done
       cd ..; for file in ${Object.keys(files).join(' ')}; do echo "$file=$(cat $file)"; done
       echo "unit=$(systemctl is-active '${podSlice}')"`,
    );
    const parents = slice === 'kubepods' ? '' : `${slice}.slice/`;
    const lines = stdout.trim().split('\n');
    assert.deepEqual(Object.fromEntries(lines.map((line) => line.split('=', 2))), {
      path: `/kubepods.slice/${parents}${podSlice}/cri-containerd-${id}.scope`,
      ...Object.fromEntries(Object.entries(own).map(([file, value]) => [`own ${file}`, value])),
      ...files,
      unit: 'active',
    });
  }
}

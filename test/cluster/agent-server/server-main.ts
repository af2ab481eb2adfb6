// Runs inside a test node: port 10250 as the agent serves it, with the pods of a file that the test writes. Prints the
// port as one line; ends on SIGTERM. What the API would be asked is answered from the same file.
import { readFileSync } from 'node:fs';
import { ImageClient } from '../../../agent/cri/images.ts';
import { RuntimeClient } from '../../../agent/cri/runtime.ts';
import { startServer } from '../../../agent/server/start.ts';
import { openLog } from '../../../api/log-pino.ts';
import { systemClock } from '../../../api/system.ts';
import type { TestState } from './world.ts';

const [stateFile, pkiDir] = process.argv.slice(2) as [string, string];
const state = (): TestState => JSON.parse(readFileSync(stateFile, 'utf8'));
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const log = openLog({ name: 'kubelet', level: 'warn', format: 'json' });
using runtime = new RuntimeClient('/run/skiff/containerd/containerd.sock', systemClock);
using images = new ImageClient('/run/skiff/containerd/containerd.sock', systemClock);
await using server = await startServer(
  {
    config: {
      nodeName: 'node-1',
      kubeletDir: '/var/lib/kubelet',
      kubelet: {
        bindAddress: '0.0.0.0',
        port: 0,
        certFile: `${pkiDir}/kubelet-server.crt`,
        keyFile: `${pkiDir}/kubelet-server.key`,
        clientCaFile: `${pkiDir}/ca.crt`,
      },
    },
    runtime,
    images,
    pods: {
      pod: (namespace, name) =>
        state().pods.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
      pods: () => state().pods,
    },
    configuration: { maxPods: 110 },
    probeCounts: () => [],
    storage: async () => new Map(),
    reviews: {
      userOf: async (token) => state().users[token],
      allows: async (user, { verb, subresource }) => state().allowed.includes(`${user.name} ${verb} ${subresource}`),
    },
    logs: { maxBytes: 1_100_000, maxFiles: 3, lookEveryMs: 200 },
    clock: systemClock,
    log,
  },
  stop.signal,
);
process.stdout.write(`${JSON.stringify({ port: server.port })}\n`);
await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));

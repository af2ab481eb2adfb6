// `skiff check node`: compares what the API wants of this node with what it holds, lists every difference, and mends
// leftovers with --fix. Exit code 0 when nothing differs, or nothing is left to differ.
import { RuntimeClient } from '../../agent/cri/runtime.ts';
import { hostExec } from '../../agent/network/exec.ts';
import { Nft } from '../../agent/network/nft.ts';
import { systemClock as clock } from '../../api/system.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import { collectNode } from '../check-node-collect.ts';
import { compareNode, type Difference, lasting } from '../check-node-compare.ts';
import { type MendDeps, mend } from '../check-node-mend.ts';
import { settings } from '../command.ts';
import { UsageError } from '../config.ts';
import { machineFacts } from '../machine.ts';
import type { Command } from '../main.ts';
import { agentOptions } from '../options.ts';
import { ApiProbe } from '../readiness.ts';
import { agentConfig, pkiDirOf, serverUrlOf } from '../resolve.ts';

const USAGE = 'usage: skiff check node [--fix] [flags]';
/** What is on its way in or out looks different in a later look. */
const LOOKS = 8;
const BETWEEN_MS = 400;
const ROUNDS = 3;
const WITHIN_MS = 120_000;

export const run: Command = async ([what, ...argv]) => {
  const isHelp = what === '--help' || what === '-h';
  if (what !== 'node' && !isHelp) throw new UsageError(USAGE);
  const fix = argv.includes('--fix');
  const rest = isHelp ? ['--help'] : argv.filter((arg) => arg !== '--fix');
  const summary = `compares what the API wants of this node with what it holds; --fix removes what is left over`;
  const values = await settings('check node', summary, agentOptions, rest);
  if (values === undefined) return 0;
  const config = agentConfig(values, machineFacts());
  const signal = clock.deadline(WITHIN_MS);
  const print = (line: string) => process.stdout.write(`${line}\n`);
  using runtime = new RuntimeClient(config.runtime.socket, clock);
  await using api = await ApiProbe.open(serverUrlOf(values), pkiDirOf(values), clock);
  const list = async <T>(path: string, until: AbortSignal): Promise<T[]> => {
    const { status, text } = await api.get(path, until);
    // Without the API everything would look left over.
    if (status !== 200) throw new Error(`the API does not say what is wanted here: ${text.trim() || status}`);
    return (JSON.parse(text) as { items: T[] }).items;
  };
  const ofNode = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${config.nodeName}`)}`;
  const wants = {
    pods: (until: AbortSignal) => list<Pod>(ofNode, until),
    services: async (until: AbortSignal) => ({
      services: await list<Service>('/api/v1/services', until),
      slices: await list<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices', until),
      nodes: await list<Node>('/api/v1/nodes', until),
    }),
  };
  const nft = new Nft(hostExec(clock));
  const collect = () => collectNode({ config, runtime, nft, api: wants }, signal);
  const lastingDifferences = async () => {
    let found = compareNode(await collect());
    for (let look = 1; look < LOOKS && found.length > 0; look++) {
      await clock.sleep(BETWEEN_MS, signal);
      found = lasting(found, compareNode(await collect()));
    }
    return found;
  };
  const found = await lastingDifferences();
  if (found.length === 0) {
    print(`node ${config.nodeName}: no differences`);
    return 0;
  }
  if (!fix) {
    for (const { says } of found) print(says);
    print(`node ${config.nodeName}: ${found.length} differences`);
    return 1;
  }
  const means = { runtime, nft, socket: config.runtime.socket, snapshotter: (await collect()).snapshotter };
  const all = new Map(found.map((each) => [each.says, each]));
  let open: readonly Difference[] = found;
  let failures = new Map<string, string>();
  // What is mended may show what was hidden behind it: an address is left over when its sandbox is gone.
  for (let round = 0; round < ROUNDS && open.some((each) => each.mend !== undefined); round++) {
    failures = await mendAll(open, means, signal);
    open = await lastingDifferences();
    for (const each of open) all.set(each.says, each);
  }
  const left = new Set(open.map(({ says }) => says));
  for (const { says, mend: action } of all.values()) {
    const why = action === undefined ? ' (left to the agent)' : `: not mended: ${failures.get(says) ?? 'it came back'}`;
    print(left.has(says) ? `${says}${why}` : `${says}: mended`);
  }
  print(`node ${config.nodeName}: ${all.size} differences, ${all.size - left.size} mended`);
  return left.size === 0 ? 0 : 1;
};

/** Some go along with others that were mended before them: whether one is mended shows in the next look. */
async function mendAll(found: readonly Difference[], means: MendDeps, signal: AbortSignal) {
  const failures = new Map<string, string>();
  for (const { says, mend: action } of found) {
    if (action === undefined) continue;
    try {
      await mend(action, means, signal);
    } catch (err) {
      signal.throwIfAborted();
      failures.set(says, err instanceof Error ? err.message.trim() : String(err));
    }
  }
  return failures;
}

// `skiff check node`: compares what the API wants of this node with what it holds, lists every difference, and mends
// leftovers with --fix. Exit code 0 when nothing differs, or nothing is left to differ.
import { RuntimeClient } from '../../agent/cri/runtime.ts';
import { systemClock as clock } from '../../api/system.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { collectNode } from '../check-node-collect.ts';
import { compareNode, lasting } from '../check-node-compare.ts';
import { mend } from '../check-node-mend.ts';
import { settings } from '../command.ts';
import { UsageError } from '../config.ts';
import { machineFacts } from '../machine.ts';
import type { Command } from '../main.ts';
import { agentOptions } from '../options.ts';
import { ApiProbe } from '../readiness.ts';
import { agentConfig, pkiDirOf, serverUrlOf } from '../resolve.ts';

const USAGE = 'usage: skiff check node [--fix] [flags]';
/** What is on its way in or out looks different in the second look. */
const BETWEEN_MS = 3_000;
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
  const pods = async (until: AbortSignal) => {
    const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${config.nodeName}`)}`;
    const { status, text } = await api.get(path, until);
    // Without the API everything would look left over.
    if (status !== 200) throw new Error(`the API does not say which pods are wanted here: ${text.trim() || status}`);
    return (JSON.parse(text) as { items: Pod[] }).items;
  };
  const look = async () => compareNode(await collectNode({ config, runtime, pods }, signal));
  const first = await look();
  if (first.length === 0) {
    print(`node ${config.nodeName}: no differences`);
    return 0;
  }
  await clock.sleep(BETWEEN_MS, signal);
  const found = lasting(first, await look());
  let open = 0;
  for (const { says, mend: action } of found) {
    if (!fix || action === undefined) {
      open++;
      print(`${says}${!fix || action !== undefined ? '' : ' (left to the agent)'}`);
      continue;
    }
    try {
      await mend(action, runtime, signal);
      print(`${says}: mended`);
    } catch (err) {
      open++;
      print(`${says}: not mended: ${err instanceof Error ? err.message : err}`);
    }
  }
  print(`node ${config.nodeName}: ${found.length} differences${fix ? `, ${found.length - open} mended` : ''}`);
  return open === 0 ? 0 : 1;
};

// `skiff agent`: the node's side, kubelet and network in one.
import { openLog } from '../../api/log-pino.ts';
import { systemClock, systemRandom } from '../../api/system.ts';
import { endSignal, settings } from '../command.ts';
import { machineFacts } from '../machine.ts';
import type { Command } from '../main.ts';
import { agentOptions } from '../options.ts';
import { agentConfig } from '../resolve.ts';

export const run: Command = async (argv) => {
  const values = await settings('agent', 'runs the node agent', agentOptions, argv);
  if (values === undefined) return 0;
  const config = agentConfig(values, machineFacts());
  const log = openLog({ name: 'agent', ...config.log });
  const { runAgent } = await import('../../agent/main.ts');
  await runAgent(config, { clock: systemClock, random: systemRandom, log }, endSignal());
  return 0;
};

// `skiff agent`: the node's side, kubelet and network in one.
import { openLog } from '../../api/log-pino.ts';
import { systemClock, systemRandom } from '../../api/system.ts';
import { endSignal, settings } from '../command.ts';
import { UsageError } from '../config.ts';
import { takeDnsSockets } from '../dns-sockets.ts';
import { machineFacts } from '../machine.ts';
import type { Command } from '../main.ts';
import { agentOptions } from '../options.ts';
import { collectors } from '../process-memory.ts';
import { agentConfig } from '../resolve.ts';

/** A test may have this process killed at a chosen step. */
async function faultsOf(text: string | undefined) {
  if (text === undefined || text === '') return {};
  const { faultsAt, parseFaultPoint } = await import('../../agent/faults.ts');
  const point = parseFaultPoint(text);
  if (point === undefined) throw new UsageError(`SKIFF_FAULT: ${text}: no such step`);
  return { faults: faultsAt(point, systemClock, () => process.kill(process.pid, 'SIGKILL')) };
}

export const run: Command = async (argv) => {
  const values = await settings('agent', 'runs the node agent', agentOptions, argv);
  if (values === undefined) return 0;
  const dnsSockets = takeDnsSockets(process.env, process.pid);
  const config = { ...agentConfig(values, machineFacts()), ...(dnsSockets && { dnsSockets }) };
  const log = openLog({ name: 'agent', ...config.log });
  const { runAgent } = await import('../../agent/main.ts');
  const faults = await faultsOf(process.env['SKIFF_FAULT']);
  await runAgent(
    config,
    { clock: systemClock, random: systemRandom, log, collect: collectors(), ...faults },
    endSignal(),
  );
  return 0;
};

// `skiff server`: the API, the scheduler and the controllers.
import { openLog } from '../../api/log-pino.ts';
import { systemClock, systemRandom } from '../../api/system.ts';
import { endSignal, settings } from '../command.ts';
import { machineFacts } from '../machine.ts';
import type { Command } from '../main.ts';
import { serverOptions } from '../options.ts';
import { collectors } from '../process-memory.ts';
import { serverConfig } from '../resolve.ts';

export const run: Command = async (argv) => {
  const values = await settings('server', 'runs the API, the scheduler and the controllers', serverOptions, argv);
  if (values === undefined) return 0;
  const config = serverConfig(values, machineFacts());
  const log = openLog({ name: 'server', ...config.log });
  const { runServer } = await import('../../apiserver/main.ts');
  const deps = { clock: systemClock, random: systemRandom, log, collectNursery: collectors()?.nursery };
  await runServer(config, deps, endSignal());
  return 0;
};

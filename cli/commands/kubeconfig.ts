// `skiff kubeconfig`: the administrator's kubeconfig on stdout, for another machine or another address.
import { settings } from '../command.ts';
import { UsageError } from '../config.ts';
import { kubeconfig } from '../kubeconfig.ts';
import type { Command } from '../main.ts';
import { agentOptions } from '../options.ts';
import { readAdmin } from '../pki.ts';
import { pkiDirOf, serverUrlOf } from '../resolve.ts';

const { config, configDir, dataDir, pkiDir, port, server } = agentOptions;

export const run: Command = async (argv) => {
  const table = { config, configDir, dataDir, pkiDir, port, server };
  const values = await settings('kubeconfig', "prints the administrator's kubeconfig", table, argv);
  if (values === undefined) return 0;
  const dir = pkiDirOf(values);
  const admin = await readAdmin(dir).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') throw new UsageError(`no cluster here: ${cause.path} is missing (skiff up makes one)`);
    if (cause.code === 'EACCES') throw new UsageError(`${cause.path}: not readable (are you root?)`);
    throw cause;
  });
  process.stdout.write(kubeconfig({ server: serverUrlOf(values), ...admin }));
  return 0;
};

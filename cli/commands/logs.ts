// `skiff logs --deleted`: what containers that are gone wrote last, kept by this node's agent for a day.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type KeptLog, keptLogs } from '../../agent/pods/kept-logs.ts';
import { settings } from '../command.ts';
import { UsageError } from '../config.ts';
import type { Command } from '../main.ts';
import { agentOptions } from '../options.ts';

const USAGE = 'usage: skiff logs --deleted [-n <namespace>] [-c <container>] [--timestamps] [<pod>]';
const { config, configDir, dataDir } = agentOptions;

export const run: Command = async (argv) => {
  const { own, rest } = split(argv);
  const values = await settings(
    'logs',
    `the last words of containers that are gone\n\n${USAGE}`,
    { config, configDir, dataDir },
    rest,
  );
  if (values === undefined) return 0;
  if (!own.values.deleted) throw new UsageError(`${USAGE}\n(logs of pods that are there: kubectl logs)`);
  const [pod, more] = own.positionals;
  if (more !== undefined) throw new UsageError(USAGE);
  const { namespace, container, timestamps = false } = own.values;
  const all = (await keptLogs(join(values.dataDir, 'agent/kept-logs'))).filter(
    (each) =>
      (namespace === undefined || each.namespace === namespace) &&
      (container === undefined || each.container === container) &&
      (pod === undefined || each.pod === pod),
  );
  if (pod === undefined) {
    for (const each of all) process.stdout.write(`${lineOf(each)}\n`);
    return 0;
  }
  if (all.length === 0)
    throw new UsageError(`no log of ${pod} is kept here (they are kept for a day, on the pod's node)`);
  for (const each of all.toReversed()) {
    if (all.length > 1) process.stdout.write(`==> ${lineOf(each)} <==\n`);
    await print(each.path, timestamps);
  }
  return 0;
};

function lineOf({ namespace, pod, container, attempt, bytes, keptAtMs }: KeptLog): string {
  const when = new Date(keptAtMs).toISOString().slice(0, 19);
  return `${when}Z  ${namespace}/${pod}  ${container}  start ${attempt}  ${bytes} bytes`;
}

async function print(path: string, timestamps: boolean): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const [time, , tag, ...words] = line.split(' ');
    // A line that was too long for the runtime comes in parts.
    process.stdout.write(`${timestamps ? `${time} ` : ''}${words.join(' ')}${tag === 'P' ? '' : '\n'}`);
  }
}

/** Its own flags, and those that every command has. */
function split(argv: readonly string[]) {
  const options = {
    deleted: { type: 'boolean' },
    timestamps: { type: 'boolean' },
    namespace: { type: 'string', short: 'n' },
    container: { type: 'string', short: 'c' },
    'data-dir': { type: 'string' },
    'config-dir': { type: 'string' },
    config: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  try {
    const own = parseArgs({ args: [...argv], options, allowPositionals: true });
    const rest = (['data-dir', 'config-dir', 'config'] as const).flatMap((name) =>
      own.values[name] === undefined ? [] : [`--${name}=${own.values[name]}`],
    );
    return { own, rest: own.values.help ? ['--help'] : rest };
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}\n${USAGE}`);
  }
}

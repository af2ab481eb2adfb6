// The `skiff` command: finds the subcommand and loads only that one, because the server must not carry what the agent
// needs. A user's mistake and every other failure end in one line.
import { failed } from './command.ts';
import { UsageError } from './config.ts';

/** Gets the arguments after its name and answers with the exit code. */
export type Command = (argv: readonly string[]) => Promise<number>;

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ run: Command }>;
}

const commands: Record<string, Entry> = {
  up: {
    summary: 'runs a cluster on this machine, in the foreground',
    load: () => import('./commands/up.ts'),
  },
  down: {
    summary: 'ends the cluster and its pods; with --purge removes everything',
    load: () => import('./commands/down.ts'),
  },
  status: { summary: 'tells what runs and whether it is well', load: () => import('./commands/status.ts') },
  kubeconfig: { summary: "prints the administrator's kubeconfig", load: () => import('./commands/kubeconfig.ts') },
  check: {
    summary: 'compares what is wanted of this node with what it holds',
    load: () => import('./commands/check.ts'),
  },
  logs: { summary: 'prints what containers that are gone wrote last', load: () => import('./commands/logs.ts') },
  server: { summary: 'runs the API, the scheduler and the controllers', load: () => import('./commands/server.ts') },
  agent: { summary: 'runs the node agent', load: () => import('./commands/agent.ts') },
  version: { summary: 'prints the version', load: () => import('./commands/version.ts') },
};

export async function main([name, ...argv]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(overview());
    return name === undefined ? 2 : 0;
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) return failed('skiff', new UsageError(`unknown command ${name} (see skiff help)`));
  try {
    const { run } = await entry.load();
    return await run(argv);
  } catch (err) {
    return failed(`skiff ${name}`, err);
  }
}

function overview(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`);
  return ['usage: skiff <command> [flags]', '', ...rows, '', '`skiff <command> --help` lists its flags.', ''].join(
    '\n',
  );
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));

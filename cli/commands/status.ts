// `skiff status`: what runs on this machine and whether it is well; exit code 0 when all of it is.
import { systemClock as clock } from '../../api/system.ts';
import { settings } from '../command.ts';
import { runningInstance } from '../instance.ts';
import type { Command } from '../main.ts';
import { upOptions } from '../options.ts';
import { ApiProbe, type NodeView } from '../readiness.ts';
import { pkiDirOf, serverUrlOf } from '../resolve.ts';

export const run: Command = async (argv) => {
  const values = await settings('status', 'tells what runs and whether it is well', upOptions, argv);
  if (values === undefined) return 0;
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const pid = await runningInstance(values.runDir);
  print(pid === undefined ? 'skiff up: not running' : `skiff up: running (pid ${pid})`);
  const url = serverUrlOf(values);
  const probe = await ApiProbe.open(url, pkiDirOf(values), clock).catch(() => undefined);
  if (probe === undefined) {
    print('certificates: none that can be read (no cluster here, or not root)');
    return 1;
  }
  await using api = probe;
  const signal = clock.deadline(20_000);
  const ready = await api.get('/readyz', signal);
  print(`API ${url}: ${ready.status === 200 ? 'ready' : `not ready (${ready.text.trim()})`}`);
  if (ready.status !== 200) return 1;
  const { status, text } = await api.get('/api/v1/nodes', signal);
  const nodes = status === 200 ? (JSON.parse(text) as { items: NodeView[] }).items : [];
  const states = nodes.map(({ metadata, status: node }) => {
    const condition = node?.conditions?.find(({ type }) => type === 'Ready');
    print(
      `node ${metadata.name}: ${condition?.status === 'True' ? 'Ready' : `not ready (${condition?.message ?? 'no report'})`}`,
    );
    return condition?.status === 'True';
  });
  return states.length > 0 && states.every(Boolean) ? 0 : 1;
};

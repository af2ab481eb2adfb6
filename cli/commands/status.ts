// `skiff status`: what runs on this machine and whether it is well; exit code 0 when all of it is.
import { type PullView, progressText } from '../../agent/images/progress.ts';
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
  const states: boolean[] = [];
  for (const { metadata, status: node } of nodes) {
    const condition = node?.conditions?.find(({ type }) => type === 'Ready');
    print(
      `node ${metadata.name}: ${condition?.status === 'True' ? 'Ready' : `not ready (${condition?.message ?? 'no report'})`}`,
    );
    states.push(condition?.status === 'True');
    for (const line of await pullsOf(api, metadata.name, signal)) print(`  ${line}`);
  }
  return states.length > 0 && states.every(Boolean) ? 0 : 1;
};

/** Images that are coming in; a node that does not answer has none to tell of. */
async function pullsOf(api: ApiProbe, node: string, signal: AbortSignal): Promise<string[]> {
  const { status, text } = await api.get(`/api/v1/nodes/${node}/proxy/imagepulls`, signal);
  if (status !== 200) return [];
  const { items } = JSON.parse(text) as { items: PullView[] };
  return items.map((view) => `pulling ${view.image} for ${view.seconds} s: ${progressText(view)}`);
}

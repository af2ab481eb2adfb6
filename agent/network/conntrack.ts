// agent/network: which UDP flows the kernel must forget. Connection tracking remembers the endpoint of a UDP flow as
// long as packets come, so a client that keeps its port would talk to a pod that is gone, or to nobody although
// there is an endpoint now. TCP ends by itself. Pure but for `forget`.
import type { Logger } from '../../api/log.ts';
import type { Exec } from './exec.ts';
import type { Family } from './nft.ts';
import type { Frontend, Group } from './services.ts';

/** Flows to this address (undefined: any) and port; only those to this endpoint, when one is named. */
export interface StaleFlow {
  readonly ip?: string;
  readonly port: number;
  readonly endpoint?: string;
}

export function staleFlows(before: ReadonlyMap<string, Frontend>, after: ReadonlyMap<string, Frontend>): StaleFlow[] {
  const stale: StaleFlow[] = [];
  if (before === after) return stale;
  for (const [key, next] of after) {
    const old = before.get(key);
    if (next.protocol !== 'UDP' || next === old) continue;
    const was = endpointsOf(old);
    const is = endpointsOf(next);
    // From nobody to somebody: flows that went untranslated so far would go on like that.
    if (was.size === 0 && is.size > 0) stale.push({ ip: next.ip, port: next.port });
    else for (const endpoint of was) if (!is.has(endpoint)) stale.push({ ip: next.ip, port: next.port, endpoint });
  }
  for (const [key, old] of before) {
    if (old.protocol !== 'UDP' || after.has(key)) continue;
    for (const endpoint of endpointsOf(old)) stale.push({ ip: old.ip, port: old.port, endpoint });
  }
  return stale;
}

function endpointsOf(frontend: Frontend | undefined): Set<string> {
  const ips = (group: Group | undefined) => (group?.to === 'endpoints' ? group.endpoints.map((e) => e.ip) : []);
  return new Set(frontend === undefined ? [] : [...ips(frontend.inside), ...ips(frontend.outside)]);
}

export function conntrackArgs({ ip, port, endpoint }: StaleFlow, family: Family): string[] {
  return [
    ...['conntrack', '-D', '-f', family === 'ip' ? 'ipv4' : 'ipv6', '-p', 'udp', '--orig-port-dst', String(port)],
    ...(ip === undefined ? [] : ['--orig-dst', ip]),
    ...(endpoint === undefined ? [] : ['--dst-nat', endpoint]),
  ];
}

export async function forget(
  flows: readonly StaleFlow[],
  family: Family,
  exec: Exec,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (const flow of flows) {
    const { code, stderr } = await exec(conntrackArgs(flow, family), {}, signal);
    // Exit 1 with a count of zero: there was no such flow, which is the usual case.
    if (code !== 0 && !/0 flow entries/.test(stderr)) {
      log.warn({ flow, stderr: stderr.slice(0, 200) }, 'stale UDP flow not removed');
    }
  }
}

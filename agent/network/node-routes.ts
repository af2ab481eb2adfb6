// agent/network: carries out routes.ts: reads links and our routes from the kernel, makes the tunnel when it is needed,
// hands `ip` and `bridge` one batch each. Also the route that lets this node itself reach Services.
import type { Logger } from '../../api/log.ts';
import { familyOf, nth, parseCidr } from './addresses.ts';
import { type Exec, ExecError } from './exec.ts';
import type { Family } from './nft.ts';
import type { NodeView } from './project.ts';
import {
  type Link,
  planRoutes,
  ROUTE_PROTOCOL,
  type RoutesNow,
  tunnelMac,
  VXLAN,
  VXLAN_ID,
  VXLAN_PORT,
  waysTo,
} from './routes.ts';

export interface RouteOptions {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
}

export async function syncRoutes(
  nodes: readonly NodeView[],
  options: RouteOptions,
  exec: Exec,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const links = await readLinks(exec, signal);
  const ways = waysTo(nodes, options.nodeName, links);
  if (ways.some(({ peer }) => peer !== undefined)) {
    const local = options.nodeIps[0] ?? '';
    const there = links.find(({ name }) => name === VXLAN);
    // Its hardware address follows from the node's address: another one means the node has moved.
    if (there?.mac !== tunnelMac(local)) {
      await makeTunnel(local, there !== undefined, options, exec, signal);
      log.info({ dev: VXLAN, local }, 'made the tunnel to nodes on other links');
    }
  }
  const { ip, bridge } = planRoutes(ways, { routes: await readRoutes(exec, signal) });
  await batch(['ip', '-force'], ip, exec, log, signal);
  await batch(['bridge', '-force'], bridge, exec, log, signal);
  await serviceRoutes(options, exec, signal);
}

async function makeTunnel(
  local: string,
  replace: boolean,
  options: RouteOptions,
  exec: Exec,
  signal: AbortSignal,
): Promise<void> {
  const type = `type vxlan id ${VXLAN_ID} local ${local} dstport ${VXLAN_PORT} nolearning`;
  const lines = [
    ...(replace ? [`link del ${VXLAN}`] : []),
    `link add ${VXLAN} address ${tunnelMac(local)} ${type}`,
    // The far end needs an address for us that is not one of a pod: the first of our range.
    ...options.podCidrs.map(
      (cidr) => `addr add ${nth(parseCidr(cidr)!, 0)}/${cidr.includes(':') ? 128 : 32} dev ${VXLAN}`,
    ),
    `link set ${VXLAN} up`,
  ];
  const { code, stderr } = await exec(['ip', '-batch', '-'], { stdin: `${lines.join('\n')}\n` }, signal);
  if (code !== 0) throw new ExecError(`cannot make the tunnel ${VXLAN}: ${stderr.trim().slice(0, 200)}`);
}

/** A node without a default route would not know where to send packets for a Service before they are translated. */
async function serviceRoutes(options: RouteOptions, exec: Exec, signal: AbortSignal): Promise<void> {
  for (const cidr of options.serviceCidrs) {
    const family = parseCidr(cidr)?.family;
    const source = options.nodeIps.find((ip) => familyOf(ip) === family);
    if (family === undefined || source === undefined) continue;
    const flag = family === 'ip' ? '-4' : '-6';
    const routes = await exec(['ip', flag, 'route', 'show', 'default'], {}, signal);
    if (routes.stdout.trim() !== '') continue;
    await exec(['ip', flag, 'route', 'replace', cidr, 'dev', 'lo', 'src', source], {}, signal);
  }
}

interface LinkJson {
  readonly ifname: string;
  readonly address?: string;
  readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
}

async function readLinks(exec: Exec, signal: AbortSignal): Promise<Link[]> {
  const { code, stdout, stderr } = await exec(['ip', '-j', 'addr', 'show'], {}, signal);
  if (code !== 0) throw new ExecError(`cannot list addresses: ${stderr.trim().slice(0, 200)}`);
  return (JSON.parse(stdout) as LinkJson[]).map(({ ifname, address = '', addr_info = [] }) => ({
    name: ifname,
    mac: address,
    addresses: addr_info.filter(({ scope }) => scope === 'global').map((a) => `${a.local}/${a.prefixlen}`),
  }));
}

interface RouteJson {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
}

async function readRoutes(exec: Exec, signal: AbortSignal): Promise<RoutesNow['routes']> {
  const families: Family[] = ['ip', 'ip6'];
  const lists = await Promise.all(
    families.map(async (family) => {
      const command = ['ip', '-j', family === 'ip' ? '-4' : '-6', 'route', 'show', 'proto', String(ROUTE_PROTOCOL)];
      const { code, stdout } = await exec(command, {}, signal);
      // A kernel without IPv6 has no such routes.
      const routes = code === 0 && stdout.trim() !== '' ? (JSON.parse(stdout) as RouteJson[]) : [];
      return routes.map(({ dst, gateway = '', dev = '' }) => ({ family, cidr: dst, via: gateway, dev }));
    }),
  );
  return lists.flat();
}

/** One bad line must not keep the others back: `-force` goes on, and what failed is told. */
async function batch(
  program: readonly string[],
  lines: readonly string[],
  exec: Exec,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  if (lines.length === 0) return;
  const { code, stderr } = await exec([...program, '-batch', '-'], { stdin: `${lines.join('\n')}\n` }, signal);
  if (code !== 0)
    log.warn({ program: program[0], stderr: stderr.trim().slice(0, 500) }, 'routes to other nodes incomplete');
}

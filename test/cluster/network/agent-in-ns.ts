// test: the whole network room in a process of its own, for it has to bind sockets inside the node's namespace.
// Told by JSON lines; says one line back for each.
import { createInterface } from 'node:readline';
import { Network, type NetworkOptions } from '../../../agent/network/network.ts';
import type { Logger } from '../../../api/log.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import type { Node } from '../../../api/types/core/node.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { type TestService, TestWorld } from './world.ts';

export type AgentCommand =
  | { do: 'services'; services: TestService[] }
  | { do: 'nodes'; nodes: { name: string; podCidr: string; ip: string }[] }
  | { do: 'podUp'; uid: string; ips: string[] }
  | { do: 'podDown'; uid: string; ips: string[] }
  | { do: 'adopted' }
  | { do: 'state' };

export type AgentOptions = Pick<
  NetworkOptions,
  'nodeName' | 'nodeIps' | 'dataDir' | 'cni' | 'upstreams' | 'proxyHealth'
>;

const show = (level: string) => (fields: Record<string, unknown>, message: string) =>
  process.env.SKIFF_TEST_LOG && console.error(level, message, fields);
const log: Logger = {
  child: () => log,
  debug: show('debug'),
  info: show('info'),
  warn: show('warn'),
  error: show('error'),
};

const world = new TestWorld();
world.isSynced = false;
const stop = new AbortController();
const { signal } = stop;
const network = await Network.start(
  {
    clusterCidrs: ['10.42.0.0/16'],
    serviceCidrs: ['10.43.0.0/16'],
    clusterDomain: 'cluster.local',
    clusterDns: ['10.43.0.10'],
    resolvConf: '/dev/null',
    ...(JSON.parse(process.argv[2]!) as AgentOptions),
    input: world,
    clock: systemClock,
    random: systemRandom,
    log,
  },
  signal,
);

async function obey(command: AgentCommand): Promise<unknown> {
  switch (command.do) {
    case 'services':
      for (const service of command.services) world.put(service);
      return 'put';
    case 'nodes':
      world.nodeList.splice(0, world.nodeList.length, ...command.nodes.map(aNode));
      world.isSynced = true;
      world.changed();
      return 'put';
    case 'podUp':
      await network.podUp(
        { metadata: { uid: command.uid }, spec: { containers: [] } } as unknown as Pod,
        command.ips,
        signal,
      );
      return 'up';
    case 'podDown':
      await network.podDown(command.uid, command.ips, signal);
      return 'down';
    case 'adopted':
      await network.podsAdopted(signal);
      return 'adopted';
    case 'state':
      return { synced: network.synced, podCidrs: network.podCidrs };
    default:
      return command satisfies never;
  }
}

function aNode({ name, podCidr, ip }: { name: string; podCidr: string; ip: string }): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDR: podCidr, podCIDRs: [podCidr] },
    status: { addresses: [{ type: 'InternalIP', address: ip }] },
  } as Node;
}

console.log(JSON.stringify('ready'));
for await (const line of createInterface({ input: process.stdin })) {
  const said = await obey(JSON.parse(line) as AgentCommand).catch((err) => `failed: ${err}`);
  console.log(JSON.stringify(said));
}
await network[Symbol.asyncDispose]();

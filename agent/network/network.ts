// agent/network: the node's network as one thing with a beginning and an end. Composition only:
//
//   input (Services, EndpointSlices, Nodes) -> ServiceProxy -> nftables
//                                           -> NodeNetwork  -> CNI configuration, routes
//                                           -> DnsRecords   -> DnsServer
//   pods room: podUp before containers start, podDown before the sandbox stops, podsAdopted after a start
//
// Ending it leaves everything in the kernel: pods go on reaching Services and one another.
import { join } from 'node:path';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Random } from '../../api/random.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { familyOf, parseCidr } from './addresses.ts';
import { readPodCidrs } from './cni.ts';
import { type DnsListen, DnsServer, openDnsSockets } from './dns.ts';
import { Forwarder, resolvConfUpstreams, type Upstream } from './dns-forward.ts';
import { DnsRecords } from './dns-records.ts';
import { type Exec, hostExec } from './exec.ts';
import { HealthServers, healthCheckPorts } from './health.ts';
import { NAMES_FILE, NamesCheckpoint } from './names-checkpoint.ts';
import { localPod } from './network-input.ts';
import type { Family } from './nft.ts';
import { NodeNetwork } from './node-network.ts';
import type { RulesetConfig } from './ruleset.ts';
import { type NetworkInput, ServiceProxy } from './service-proxy.ts';
import { applySysctls } from './sysctls.ts';

/** A question for a name that nobody has told of yet waits this long after the start. */
const NAMES_KNOWN_MS = 2_000;

export interface NetworkOptions {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly clusterDomain: string;
  /** The address of the kube-dns Service; served here unless there is none. */
  readonly clusterDns: readonly string[];
  /** Open sockets of an owner that outlives this process, instead of ones bound here. */
  readonly dnsSockets?: DnsListen;
  readonly resolvConf: string;
  /** For the checkpoint of names. */
  readonly dataDir: string;
  /** For tests: instead of those in resolvConf. */
  readonly upstreams?: readonly Upstream[];
  readonly cni: { readonly confDir: string; readonly stateDir: string };
  readonly podNetwork?: 'own' | 'foreign';
  /** Of pod links; 0 or absent: as the kernel chooses. */
  readonly mtu?: number;
  readonly proxyHealth: { readonly bindAddress: string; readonly port: number };
  readonly input: NetworkInput;
  readonly exec?: Exec;
  readonly execPrefix?: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class Network implements AsyncDisposable {
  readonly #owned: AsyncDisposableStack;
  readonly #proxy: ServiceProxy;
  readonly #node: NodeNetwork;

  private constructor(owned: AsyncDisposableStack, proxy: ServiceProxy, node: NodeNetwork) {
    this.#owned = owned;
    this.#proxy = proxy;
    this.#node = node;
  }

  static async start(options: NetworkOptions, signal: AbortSignal): Promise<Network> {
    const { clock, log, input, nodeName, serviceCidrs, execPrefix } = options;
    const exec = options.exec ?? hostExec(clock, execPrefix);
    const families = familiesOf(options);
    await using starting = new AsyncDisposableStack();
    await applySysctls(families, exec, log, signal);

    const records = new DnsRecords();
    const checkpoint = starting.use(new NamesCheckpoint(join(options.dataDir, NAMES_FILE), records, clock, log));
    await checkpoint.restore();
    const health = starting.use(new HealthServers({ ...options.proxyHealth, clock, log }));
    const dnsIp = options.clusterDns.find((ip) => familyOf(ip) === families[0]);
    const namesKnown = Promise.withResolvers<void>();
    starting.use(clock.after(NAMES_KNOWN_MS, namesKnown.resolve));
    if (dnsIp !== undefined)
      starting.use(await startDns(dnsIp, { records, settled: namesKnown.promise }, options, exec, signal));

    const podNetwork = options.podNetwork ?? 'own';
    // The range from before, so that what is known about it holds until the server answers.
    const podCidrs = podNetwork === 'own' ? await readPodCidrs(options.cni.confDir) : [];
    const proxy = starting.use(
      new ServiceProxy({
        nodeName,
        rulesets: rulesets(options, families, podCidrs),
        input,
        exec,
        execPrefix,
        onServices(index, changed) {
          for (const key of changed) records.set(key, index.get(key));
          // What only the checkpoint knew has gone since.
          if (!records.complete) for (const key of records.keys()) if (!index.get(key)) records.set(key, undefined);
          records.complete = true;
          namesKnown.resolve();
          if (changed.size === 0) return;
          checkpoint.changed();
          health.update(healthCheckPorts(index.entries(), nodeName));
        },
        clock,
        log,
      }),
    );
    health.healthy = () => proxy.lastSyncedAt !== undefined;
    const node = starting.use(
      new NodeNetwork({
        nodeName,
        nodeIps: options.nodeIps,
        serviceCidrs,
        podNetwork,
        podCidrs,
        cni: options.cni,
        mtu: options.mtu ?? 0,
        input,
        onPodCidrs: (own, until) => proxy.configure(rulesets(options, families, own), until),
        exec,
        clock,
        log,
      }),
    );
    return new Network(starting.move(), proxy, node);
  }

  /** Lets a pod talk. Resolves when the kernel knows its addresses and host ports. */
  podUp(pod: Pod, ips: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#proxy.podUp(pod.metadata.uid ?? '', localPod(pod, ips), signal);
  }

  /** Silences a pod. Resolves when the kernel has forgotten it. */
  podDown(uid: string, ips: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#proxy.podDown(uid, ips, signal);
  }

  /** Every pod that runs here has been told by `podUp` since the start: what else the kernel knows is left over. */
  podsAdopted(signal: AbortSignal): Promise<void> {
    return this.#proxy.podsAdopted(signal);
  }

  /** Resolves when the kernel does what the API said when this was called. */
  settled(signal: AbortSignal): Promise<void> {
    return this.#proxy.settled(signal);
  }

  /** This node's pod ranges; none before it has been given one. */
  get podCidrs(): readonly string[] {
    return this.#node.podCidrs;
  }

  /** Whether the rules have agreed with the API since the start. */
  get synced(): boolean {
    return this.#proxy.lastSyncedAt !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

type Ranges = Pick<NetworkOptions, 'clusterCidrs' | 'serviceCidrs' | 'clusterDns'>;

export function familiesOf({ clusterCidrs, serviceCidrs }: Ranges): Family[] {
  const found = [...serviceCidrs, ...clusterCidrs].flatMap((cidr) => parseCidr(cidr)?.family ?? []);
  return [...new Set(found)];
}

/** The tables of this node; its own ranges are known once it has joined. */
export function rulesets(options: Ranges, families: readonly Family[], podCidrs: readonly string[]): RulesetConfig[] {
  const own = (cidrs: readonly string[], family: Family) => cidrs.filter((cidr) => parseCidr(cidr)?.family === family);
  return families.map((family) => ({
    family,
    clusterCidrs: own(options.clusterCidrs, family),
    serviceCidrs: own(options.serviceCidrs, family),
    podCidr: own(podCidrs, family)[0],
    dnsIp: options.clusterDns.find((ip) => familyOf(ip) === family && family === families[0]),
  }));
}

/** The address is put on the loopback: packets of pods end here without translation, and the node can ask too. */
async function startDns(
  dnsIp: string,
  { records, settled }: { records: DnsRecords; settled: Promise<void> },
  options: NetworkOptions,
  exec: Exec,
  signal: AbortSignal,
): Promise<DnsServer> {
  const { clock, random, log, clusterDomain, clusterCidrs, serviceCidrs, resolvConf, upstreams } = options;
  const prefix = familyOf(dnsIp) === 'ip' ? 32 : 128;
  const { code, stderr } = await exec(
    ['ip', 'addr', 'replace', `${dnsIp}/${prefix}`, 'dev', 'lo', 'scope', 'host'],
    {},
    signal,
  );
  if (code !== 0) throw new Error(`cannot put the DNS address ${dnsIp} on lo: ${stderr.trim().slice(0, 200)}`);
  const held = options.dnsSockets && { ...options.dnsSockets, isV6: prefix === 128 };
  const sockets = await openDnsSockets(held ?? { host: dnsIp, port: 53 }).catch((cause) => {
    throw new Error(`cannot serve DNS on ${dnsIp} port 53: ${(cause as Error).message}`, { cause });
  });
  const ask = upstreams === undefined ? resolvConfUpstreams(resolvConf, [dnsIp], clock) : async () => upstreams;
  return new DnsServer({
    sockets,
    records,
    settled,
    zone: { domain: clusterDomain, cidrs: [...clusterCidrs, ...serviceCidrs] },
    forwarder: new Forwarder({ upstreams: ask, clock, random }),
    log,
  });
}

// The node process: pods, volumes and the node's own object beside the node's network, over one connection to the
// API and one socket to the runtime. What is opened last closes first, on every way out; containers and kernel state
// stay as they are.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Recorder, referenceTo } from '../api/client/events.ts';
import { HttpsClient } from '../api/client/https-client.ts';
import { Informer } from '../api/client/informer.ts';
import { Informers } from '../api/client/informers.ts';
import { Transport } from '../api/client/transport.ts';
import type { Clock } from '../api/clock.ts';
import { type Collectors, keepIdleMemorySmall } from '../api/idle-memory.ts';
import type { Logger } from '../api/log.ts';
import type { Random } from '../api/random.ts';
import type { Container } from '../api/types/core/container.ts';
import type { Pod } from '../api/types/core/pod.ts';
import { nodes, pods, services } from '../api/types/core/resources.ts';
import { endpointSlices } from '../api/types/discovery/resources.ts';
import { csiDrivers } from '../api/types/storage/resources.ts';
import { Certificates } from './certificates/certificates.ts';
import { allPodsLimits } from './cgroups/limits.ts';
import { CgroupTree } from './cgroups/tree.ts';
import type { AgentConfig } from './config.ts';
import { RuntimeEvents } from './cri/events.ts';
import { ImageClient } from './cri/images.ts';
import { RuntimeClient } from './cri/runtime.ts';
import { SnapshotClient } from './cri/snapshots.ts';
import { TaskClient } from './cri/tasks.ts';
import { startCsi } from './csi/start.ts';
import { servePodResources } from './devices/pod-resources.ts';
import { startOwnResources } from './devices/start.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import { ImageGc } from './images/gc.ts';
import { startPulls } from './images/start.ts';
import { NETWORK, RESULTS_DIR } from './network/cni.ts';
import { NAMES_FILE, rememberedServices } from './network/names-checkpoint.ts';
import { Network } from './network/network.ts';
import { inputOf } from './network/network-input.ts';
import { lookAtBoot } from './node/boot.ts';
import { machineFacts, usageOf } from './node/facts.ts';
import { NodeLease } from './node/lease.ts';
import { NodeAgent } from './node/node-agent.ts';
import { KUBELET_VERSION } from './node/node-status.ts';
import { cgroupDriver, runtimeAbilities } from './node/runtime-facts.ts';
import { PluginWatcher } from './plugins/plugin-watcher.ts';
import { grpcRegistration } from './plugins/registration.ts';
import { Door, doorNode } from './pods/admission.ts';
import { clearAfterReboot } from './pods/after-reboot.ts';
import { Checkpoints } from './pods/checkpoints.ts';
import { Comeback } from './pods/comeback.ts';
import { findContainer, kindOf } from './pods/containers.ts';
import { parseResolvConf } from './pods/dns.ts';
import { Eviction } from './pods/eviction/eviction.ts';
import { memoryNow } from './pods/eviction/memory-watch.ts';
import { observeSignals } from './pods/eviction/signals.ts';
import { PodUsage } from './pods/eviction/usage.ts';
import { imageVolumes } from './pods/image-volumes.ts';
import { KeptLogs } from './pods/kept-logs.ts';
import { MirrorPods } from './pods/mirror-pods.ts';
import { ObjectWatches } from './pods/object-watches.ts';
import { Objects } from './pods/objects.ts';
import { Observer } from './pods/observe.ts';
import { isTerminal } from './pods/phase.ts';
import { PodManager } from './pods/pod-manager.ts';
import { Probes } from './pods/probes/probes.ts';
import type { NodeMemory } from './pods/resources.ts';
import { runtimeHandlers } from './pods/runtime-class.ts';
import { StaticPods } from './pods/static-pods.ts';
import { StatusManager } from './pods/status-manager.ts';
import { reviewsOf } from './server/access.ts';
import { kubeletConfiguration } from './server/configz.ts';
import { DEFAULT_LOG_LIMITS } from './server/log-rotation.ts';
import { startServer } from './server/start.ts';
import { findLogind } from './shutdown/logind.ts';
import { NodeShutdown } from './shutdown/shutdown.ts';
import { ImageViews } from './volumes/image-volume.ts';
import { LocalDirs } from './volumes/local-dirs.ts';
import { Tokens } from './volumes/service-account-token.ts';
import { StorageUsage } from './volumes/usage.ts';
import { Volumes } from './volumes/volumes.ts';

export interface AgentDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where the process was started so that it can. */
  readonly collect?: Collectors | undefined;
  /** For tests that end this process at a chosen step. */
  readonly faults?: Faults;
}

const RUNTIME_RETRY_MS = 500;
const SERVICES_MS = 2_000;

export async function runAgent(config: AgentConfig, deps: AgentDeps, signal: AbortSignal): Promise<void> {
  const { clock, random, log, faults = NO_FAULTS } = deps;
  const { nodeName, nodeIps } = config;
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  await mkdir(join(config.kubeletDir, 'pods'), { recursive: true, mode: 0o750 });
  await mkdir(config.staticPodsDir, { recursive: true });

  // The API.
  const certificates = await Certificates.open(config, deps, signal);
  const credentials = () => certificates.credentials();
  const userAgent = `kubelet/${KUBELET_VERSION}`;
  await using transport = new Transport({ server: config.api.url, credentials, userAgent, clock });
  const client = new HttpsClient(transport, clock);
  await using recorder = new Recorder({ client, component: 'kubelet', host: nodeName, clock, log });
  const shared = new Informers(client, deps);
  const view = { services: shared.of(services), slices: shared.of(endpointSlices), nodes: shared.of(nodes) };
  const myPods = new Informer(client, pods, { fieldSelector: `spec.nodeName=${nodeName}` }, deps);
  const storageDrivers = shared.of(csiDrivers);
  const following = new AbortController();
  await using _informers = finishing(
    following,
    Promise.all([
      shared.run(following.signal),
      myPods.run(following.signal),
      certificates.keep(client, () => transport.renew(), following.signal),
      deps.collect && keepIdleMemorySmall(deps.collect, clock, following.signal),
    ]),
  );

  // The runtime.
  using runtime = new RuntimeClient(config.runtime.socket, clock);
  using tasks = new TaskClient(config.runtime.socket, clock);
  using images = new ImageClient(config.runtime.socket, clock);
  const [driver, abilities] = await patiently(
    async () => [
      config.cgroupDriver === 'auto' ? await cgroupDriver(runtime, signal) : config.cgroupDriver,
      await runtimeAbilities(runtime, config.allowedUnsafeSysctls, signal),
    ],
    deps,
    signal,
  );

  // The node.
  const facts = await machineFacts();
  let pressures: readonly string[] = [];
  let shutdown: NodeShutdown | undefined;
  let reportNode = () => {}; // there is no node yet
  let kubeletPort = config.kubelet.port; // 0 becomes the one that was free
  await using network = await Network.start({ ...config, input: inputOf(view, signal), ...deps }, signal);
  const nodeEvent = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    recorder.event({ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName }, type, reason, message);
  await using own = await startOwnResources({
    ...{ config, bootId: facts.bootId, readsCdi: abilities.cdi, runtime, client, clock, log },
    changed: () => reportNode(),
    leaving: (uid) => {
      const holder = manager.find(uid);
      return holder === undefined || isTerminal(holder);
    },
  });
  const objects = new Objects(client, clock);
  const tokens = new Tokens(client, clock);
  await using csi = await startCsi({
    ...{ node: nodeName, kubeletDir: config.kubeletDir, client, objects, tokens, clock, log, faults },
    driver: (name) => storageDrivers.get(name),
    view: () => view.nodes.get(nodeName),
    report: () => reportNode(),
    event: (pod, ...said) => event(pod, undefined, ...said),
    wake: (uid) => manager.wake(uid),
  });
  await using node = new NodeAgent({
    volumesInUse: () => csi.inUse(),
    devices: () => own.devices.offer,
    known: () => view.nodes.get(nodeName),
    ...{ name: nodeName, nodeIps, labels: config.nodeLabels, maxPods: config.maxPods },
    ...{ reserved: config.reserved, thresholds: config.eviction.thresholds, pressures: () => pressures },
    shuttingDown: () => shutdown?.underWay ?? false,
    ...{ kubeletPort: () => kubeletPort, dataDir: config.kubeletDir, facts },
    ...{ client, runtime, images, clock, log },
    event: (...said) => nodeEvent('Normal', ...said),
  });
  reportNode = () => node.look();
  await using _lease = new NodeLease(nodeName, () => node.node, client, clock, log);

  // Its pods.
  const event = (pod: Pod, container: Container | undefined, ...said: ['Normal' | 'Warning', string, string]) =>
    recorder.event({ ...referenceTo(pod), ...fieldPath(pod, container) }, ...said);
  const wake = (uid: string) => manager.wake(uid);
  await using watches = new ObjectWatches({
    ...{ client, objects, clock, log },
    changed: (uid) => manager.refresh(uid),
  });
  await using localDirs = new LocalDirs(join(config.dataDir, 'local-dirs'), client, clock, log);
  const registration = grpcRegistration(clock);
  await using plugins = new PluginWatcher(join(config.kubeletDir, 'plugins_registry'), { registration, clock, log });
  plugins.onPlugin('CSIPlugin', csi.drivers);
  const allocatable = () => node.allocatable;
  await using probes = new Probes({ runtime, clock, random, event, wake });
  await using fetching = await startPulls({ config, images, client, objects, tokens, event, wake, clock, log });
  const { pulls, records } = fetching;
  using snapshots = new SnapshotClient(config.runtime.socket, clock);
  await using status = new StatusManager(faults('client', client), clock, log);
  const door = new Door({
    node: () => doorNode(nodeName, view.nodes.get(nodeName) ?? node.node, allocatable(), pressures),
    shuttingDown: () => shutdown?.underWay ?? false,
    pods: () => manager.own(),
    end: (uid, ending) => manager.end(uid, ending),
  });
  await using keptLogs = new KeptLogs(join(config.dataDir, 'kept-logs'), { folders: config, clock, log });
  await using mirrors = new MirrorPods(client, () => node.node, clock, log);
  await using staticPods = new StaticPods(config.staticPodsDir, nodeName, clock, log);
  const { podPidsMax: pidsPerPod, swapBehavior, singleProcessOomKill } = config;
  const cgroups = await CgroupTree.open({ driver, root: config.cgroupRoot, pidsPerPod, log });
  const nodeMemory: NodeMemory = {
    memoryBytes: facts.memoryBytes,
    hugepages: Object.keys(facts.hugepages),
    killsTogether: cgroups.version === 2 && !singleProcessOomKill,
    ...(facts.swapBytes > 0 && {
      swap: { bytes: facts.swapBytes, behavior: swapBehavior, cgroups: cgroups.version },
    }),
  };
  if (swapBehavior === 'LimitedSwap' && cgroups.version === 1) {
    log.warn({ swapBehavior }, 'LimitedSwap needs cgroup v2: pods of this node do not swap');
  }
  await cgroups.limitAll(allPodsLimits(facts, config.reserved, (await usageOf(config.kubeletDir)).pidsMax), signal);
  const boot = await lookAtBoot(join(config.dataDir, 'boot-id'));
  using comeback = boot.anew ? new Comeback({ wake, clock }) : undefined;
  if (boot.anew) {
    const addressesDir = join(config.cni.stateDir, NETWORK);
    const left = { runtime, addressesDir, resultsDir: RESULTS_DIR, network: NETWORK, log };
    await patiently(() => clearAfterReboot(left, signal), deps, signal);
    await boot.cleared();
  }
  const volumes = new Volumes(config, {
    ...{ client, objects, tokens, localDirs, clock, random },
    imageViews: new ImageViews({ images, runtime, snapshots }),
    csi: csi.volumes,
    recursiveReadOnly: abilities.recursiveReadOnly,
    node: () => (view.nodes.get(nodeName) ?? node.node)?.metadata,
    facts: () => ({ podIps: [], hostIps: nodeIps, allocatable: allocatable() }),
  });
  const storage = new StorageUsage({
    folders: config,
    pathOf: (pod, volume) => volumes.dirOf(pod, volume),
    saidByDrivers: (uid) => csi.usages.of(uid),
    clock,
  });
  const namesFile = join(config.dataDir, NAMES_FILE);
  let servicesHeard: Promise<void> | undefined;
  await using manager: PodManager = new PodManager(myPods, {
    ...{ clock, log, tasks, images, pulls, probes, status, objects, watches, event, folders: config },
    client: faults('client', client),
    runtime: faults('runtime', runtime),
    network: faults('network', network),
    observer: new Observer(runtime, config),
    volumes: faults('volumes', volumes),
    cgroups: faults('cgroups', cgroups),
    endpointSlices: (namespace) => view.slices.list(namespace),
    services: async () => {
      // Waited for once: without the API containers start again with what was known of services before.
      servicesHeard ??= view.services.synced(clock.deadline(SERVICES_MS)).catch(() => {});
      await servicesHeard;
      return view.services.isSynced ? view.services.list() : rememberedServices(namesFile);
    },
    keptLogs: faults('keptLogs', keptLogs),
    mirrors,
    staticPods,
    comeback,
    door,
    runtimeHandler: runtimeHandlers(client),
    checkpoints: faults('checkpoints', new Checkpoints(join(config.dataDir, 'pods'), log)),
    names: { ...config, host: parseResolvConf(await readFile(config.resolvConf, 'utf8').catch(() => '')) },
    ...{ grants: own.grants, claims: own.claims },
    node: { hostIps: nodeIps, memory: nodeMemory, allocatable, abilities: () => abilities },
    farewell: config.farewell,
    seccompDir: join(config.kubeletDir, 'seccomp'),
  });
  await using _podResources = await servePodResources(join(config.kubeletDir, 'pod-resources/kubelet.sock'), {
    ...{ inventory: own.devices.inventory, allocations: own.devices.allocations, cpus: own.cpus },
    pods: () => manager.own(),
    claims: (pod, container) => own.claims.resources(pod, container),
  });
  const imageFs = once(async () => (await images.fsInfo(signal))[0]?.fsId?.mountpoint);
  await using imageGc = new ImageGc({
    ...{ runtime, images, settings: config.imageGc, nodeEvent, clock, log },
    room: async () => {
      const room = (await observeSignals(config.kubeletDir, await imageFs())).get('imagefs.available');
      return room && { capacityBytes: room.capacity, availableBytes: room.available };
    },
    asked: () => [
      ...pulls.asked(),
      ...[...manager.own()].flatMap((pod) => imageVolumes(pod).map(({ image }) => image?.reference ?? '')),
    ],
    prune: (imageRefs, beforeMs) => records.prune(imageRefs, beforeMs),
  });
  await using _eviction = new Eviction({
    ...{ settings: config.eviction, nodeEvent, clock, log },
    observe: async () => observeSignals(config.kubeletDir, await imageFs()),
    memoryNow,
    usage: new PodUsage({ runtime, folders: config, pids: (pod) => cgroups.pids(pod), clock }),
    pods: () => manager.own(),
    end: (uid, ending) => manager.end(uid, ending),
    freeDisk: async (until) => {
      await imageGc.freeAll(until);
    },
    changed: (now) => {
      pressures = now;
      log.info({ pressures: now }, 'pressure on the node changed');
      node.look();
    },
  });
  shutdown = new NodeShutdown({
    groups: config.shutdown,
    manager: config.shutdown.length > 0 ? await findLogind(clock, log) : undefined,
    living: () => [...manager.own()].filter((pod) => !isTerminal(pod)),
    end: (uid, ending) => manager.end(uid, ending),
    told: (uid, until) => status.flush(uid, until),
    changed: () => node.look(),
    nodeEvent: (...said) => nodeEvent('Normal', ...said),
    ...{ clock, log },
  });
  await using _shutdown = shutdown;
  await using server = await startServer(
    {
      ...{ runtime, images, pods: manager, config, reviews: reviewsOf(client), clock, log },
      configuration: kubeletConfiguration(config, DEFAULT_LOG_LIMITS),
      probeCounts: () => probes.counts(),
      storage: (until) => storage.of(manager.own(), until),
      imagePulls: () => pulls.underWay(),
      certificate: certificates.serving,
    },
    signal,
  );
  kubeletPort = server.port;
  node.look();
  plugins.onPlugin('DRAPlugin', own.claimDrivers);
  plugins.start();
  await using _events = new RuntimeEvents(
    ...([config.runtime.socket, clock, log, (id: string | undefined) => manager.runtimeEvent(id)] as const),
    (id) => manager.outOfMemory(id),
  );

  log.info({ node: nodeName, cgroups: driver }, 'agent running');
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  log.info({ pods: manager.size }, 'agent ending: containers go on');
}

/** Describes which container of a pod an event is about. */
function fieldPath(pod: Pod, container: Container | undefined): { fieldPath?: string } {
  // An image that is a volume is nobody's container.
  if (container === undefined || findContainer(pod, container.name) === undefined) return {};
  return { fieldPath: `spec.${kindOf(pod, container.name)}{${container.name}}` };
}

/** The runtime may come up after us, or be restarting. */
async function patiently<T>(work: () => Promise<T>, { clock, log }: AgentDeps, signal: AbortSignal): Promise<T> {
  for (let said = false; ; said = true) {
    try {
      return await work();
    } catch (err) {
      signal.throwIfAborted();
      if (!said) log.warn({ err }, 'the container runtime does not answer, waiting for it');
      await clock.sleep(RUNTIME_RETRY_MS, signal);
    }
  }
}

/** Ends what listens to `stop`, and waits for it. */
function finishing(stop: AbortController, work: Promise<unknown>): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await work;
    },
  };
}

/** Asked until it is known, then remembered. */
function once<T>(ask: () => Promise<T | undefined>): () => Promise<T | undefined> {
  let known: T | undefined;
  return async () => {
    known ??= await ask().catch(() => undefined); // the runtime is away: asked again
    return known;
  };
}

// Device plugins of this node: they register at our socket and tell what they have; containers that ask for their
// resources are given devices when the pod is let in, and keep them until it is gone.
//
//   plugin: Register -> we: ListAndWatch -> node status;  pod at the door: hints, choose, Allocate -> checkpoint
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { quantityValue } from '../../api/quantity.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { Allocations, type Saved } from './allocations.ts';
import { chooseDevices, freeDevices, lies, NoDevices } from './choose.ts';
import { type Grant, joined } from './grant.ts';
import type { Provider } from './grants.ts';
import { GrpcServer } from './grpc-server.ts';
import { GRACE_MS, Inventory, type Offer } from './inventory.ts';
import { type Hints, hintsOf, type Mask } from './numa.ts';
import { DevicePlugin } from './plugin.ts';
import { registrationProblem } from './registration.ts';
import { StateFile } from './state-file.ts';
import { DEVICE_PLUGIN_PROTO, type DeviceResponse, type RegisterRequest } from './wire.ts';

interface Checkpoint {
  readonly resources: readonly string[];
  readonly pods: Saved;
}

export interface DeviceManagerDeps {
  /** Where plugins expect the kubelet's socket and put their own. */
  readonly dir: string;
  readonly checkpoint: string;
  readonly numaNodes: readonly number[];
  /** The node has other things to give now. */
  readonly changed: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

const NO_OPTIONS = { preStartRequired: false, getPreferredAllocationAvailable: false };

export class DeviceManager implements Provider, AsyncDisposable {
  readonly #deps: DeviceManagerDeps;
  readonly #file: StateFile<Checkpoint>;
  readonly #inventory = new Inventory();
  readonly #plugins = new Map<string, DevicePlugin>();
  readonly #ending = new Set<Promise<void>>();
  readonly #graces = new Set<Disposable>();
  #allocations = new Allocations();
  #server: GrpcServer | undefined;

  constructor(deps: DeviceManagerDeps) {
    this.#deps = deps;
    this.#file = new StateFile(deps.checkpoint, deps.log);
  }

  async start(): Promise<void> {
    const { dir } = this.#deps;
    const saved = await this.#file.load();
    if (saved !== undefined) {
      this.#allocations = Allocations.from(saved.pods);
      this.#inventory.expect(saved.resources);
    }
    await mkdir(dir, { recursive: true, mode: 0o750 });
    // Plugins watch for their socket to go, or for ours to come: either way they register anew.
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (entry.isSocket()) await rm(join(dir, entry.name), { force: true });
    }
    this.#server = await GrpcServer.start({
      socket: join(dir, 'kubelet.sock'),
      proto: DEVICE_PLUGIN_PROTO,
      service: 'v1beta1.Registration',
      handlers: { Register: (request: RegisterRequest) => this.register(request) },
    });
  }

  get offer(): Offer {
    return this.#inventory.offer();
  }

  get inventory(): Pick<Inventory, 'resources' | 'devices'> {
    return this.#inventory;
  }

  get allocations(): Pick<Allocations, 'of'> {
    return this.#allocations;
  }

  /** Answered at once: the plugin may serve only after it has heard. */
  register(request: RegisterRequest): object {
    const { clock, log, dir } = this.#deps;
    const problem = registrationProblem(request);
    if (problem !== undefined) {
      log.warn({ request, problem }, 'device plugin refused');
      throw new Error(problem);
    }
    const { resourceName: resource, endpoint } = request;
    const before = this.#plugins.get(resource);
    const at = { resource, socket: join(dir, endpoint), options: request.options ?? NO_OPTIONS };
    const plugin: DevicePlugin = new DevicePlugin(
      at,
      {
        changed: (devices) => {
          if (this.#plugins.get(resource) !== plugin) return;
          this.#inventory.changed(resource, devices);
          this.#changed();
        },
        gone: () => {
          if (this.#plugins.get(resource) === plugin) this.#gone(plugin);
        },
      },
      clock,
      log,
    );
    this.#plugins.set(resource, plugin);
    this.#inventory.registered(resource);
    if (before !== undefined) this.#end(before);
    log.info({ resource, endpoint }, 'device plugin registered');
    this.#changed();
    return {};
  }

  concerns(container: Container): boolean {
    return this.#asked(container).length > 0;
  }

  hints(pod: Pod, container: Container): Hints {
    return new Map(this.#asked(container).map(([resource, wanted]) => [resource, this.#hints(pod, resource, wanted)]));
  }

  async allocate(pod: Pod, container: Container, affinity: Mask | undefined, signal: AbortSignal): Promise<void> {
    const { uid } = pod.metadata;
    for (const [resource, wanted] of this.#asked(container)) {
      const has = this.#allocations.of(uid, container.name).find((each) => each.resource === resource);
      if (has !== undefined) continue; // a restart of this process: what was promised stays
      const reusable = this.#allocations.reusable(pod, resource);
      const plugin = this.#plugins.get(resource);
      const devices = this.#inventory.devices(resource);
      const taken = this.#allocations.taken(resource);
      if (plugin === undefined) throw new NoDevices(`no device plugin serves ${resource}`);
      const request = { resource, wanted, devices, taken, reusable, affinity };
      const ids = await chooseDevices(request, plugin.prefer(signal));
      const response = await plugin.allocate(ids, signal);
      this.#allocations.add(uid, container.name, { resource, ids, response });
    }
    await this.#save();
  }

  /** Pods that hold what this one asks for: when they have gone, it may fit. */
  holders(container: Container): string[] {
    return this.#asked(container).flatMap(([resource]) => this.#allocations.holders(resource));
  }

  async grant({ metadata: { uid } }: Pod, { name }: Container, signal: AbortSignal): Promise<Partial<Grant>> {
    const allocated = this.#allocations.of(uid, name);
    for (const { resource, ids } of allocated) await this.#plugins.get(resource)?.preStart(ids, signal);
    return joined(allocated.map(({ response }) => grantOf(response)));
  }

  async release(uid: string): Promise<void> {
    if (this.#allocations.remove(uid)) await this.#save();
  }

  /** Of pods that nobody knows any more: they went while no agent ran. */
  async keep(uids: ReadonlySet<string>): Promise<void> {
    for (const uid of this.#allocations.pods) if (!uids.has(uid)) await this.release(uid);
  }

  async [Symbol.asyncDispose]() {
    await this.#server?.[Symbol.asyncDispose]();
    for (const grace of this.#graces) grace[Symbol.dispose]();
    for (const plugin of this.#plugins.values()) this.#end(plugin);
    await Promise.all(this.#ending);
  }

  /** Resources of plugins among what a container asks for, in a fixed order. */
  #asked({ resources }: Container): [string, number][] {
    return Object.entries(resources?.limits ?? {})
      .filter(([resource]) => this.#inventory.has(resource) || this.#allocations.has(resource))
      .map(([resource, quantity]): [string, number] => [resource, quantityValue(quantity)])
      .filter(([, wanted]) => wanted > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #hints(pod: Pod, resource: string, wanted: number) {
    const devices = this.#inventory.devices(resource);
    if (![...devices.values()].some(({ nodes }) => nodes.length > 0)) return undefined;
    const free = new Set([
      ...freeDevices({ devices, taken: this.#allocations.taken(resource) }),
      ...this.#allocations.reusable(pod, resource),
    ]);
    const count = (mask: Mask, among: (id: string) => boolean) =>
      [...devices.values()].filter((device) => lies(device, mask) && among(device.id)).length;
    return hintsOf(
      this.#deps.numaNodes,
      wanted,
      (mask) => count(mask, () => true),
      (mask) => count(mask, (id) => free.has(id)),
    );
  }

  #gone(plugin: DevicePlugin): void {
    const { clock, changed } = this.#deps;
    const { resource } = plugin.at;
    this.#plugins.delete(resource);
    this.#end(plugin);
    this.#inventory.gone(resource, clock.monotonic());
    const grace = clock.after(GRACE_MS, () => {
      this.#graces.delete(grace);
      if (this.#inventory.expire(clock.monotonic())) changed();
    });
    this.#graces.add(grace);
    changed();
  }

  #end(plugin: DevicePlugin): void {
    const ending = plugin[Symbol.asyncDispose]().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #changed(): void {
    const { log, changed } = this.#deps;
    this.#save().catch((err) => log.warn({ err }, 'checkpoint of devices not written'));
    changed();
  }

  #save(): Promise<void> {
    return this.#file.save({ resources: this.#inventory.resources, pods: this.#allocations.saved });
  }
}

function grantOf({ envs, mounts, devices, annotations, cdiDevices }: DeviceResponse): Partial<Grant> {
  return {
    envs,
    annotations,
    mounts: mounts.map(({ containerPath, hostPath, readOnly }) => ({ containerPath, hostPath, readonly: readOnly })),
    devices: devices.map(({ containerPath, hostPath, permissions }) => ({ containerPath, hostPath, permissions })),
    cdiDevices: cdiDevices.map(({ name }) => name),
  };
}

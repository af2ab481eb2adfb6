// The runtime service: sandboxes, containers, and the way into them. The smallest verb is `removeSandbox`.
import { assetPath } from '../../api/assets.ts';
import type { Clock } from '../../api/clock.ts';
import { call, ignoreNotFound } from './call.ts';
import { Channel } from './channel.ts';
import type {
  Container,
  ContainerConfig,
  ContainerStats,
  ContainerStatus,
  ExecResult,
  LinuxContainerResources,
  PodSandboxConfig,
  RuntimeStatus,
  RuntimeVersion,
  Sandbox,
  SandboxStatus,
  StringMap,
} from './types.ts';

const READ_MS = 30_000;
/** Who is asked how it is answers at once, or hangs. */
const STATUS_MS = 10_000;
const CHANGE_MS = 120_000;
// Setting up a network may wait for a plugin: upstream gives a sandbox twice the usual time.
const SANDBOX_MS = 240_000;
const PROTO = assetPath('proto/cri.proto');

export interface ExecRequest {
  containerId: string;
  cmd: string[];
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}
export type AttachRequest = Omit<ExecRequest, 'cmd'>;

export class RuntimeClient implements Disposable {
  readonly #channel: Channel;
  readonly #clock: Clock;

  constructor(socket: string, clock: Clock) {
    this.#channel = new Channel(socket, PROTO, 'runtime.v1.RuntimeService');
    this.#clock = clock;
  }

  version(signal: AbortSignal): Promise<RuntimeVersion> {
    return this.#call('Version', {}, STATUS_MS, signal);
  }

  status(verbose: boolean, signal: AbortSignal): Promise<RuntimeStatus> {
    return this.#call('Status', { verbose }, STATUS_MS, signal);
  }

  /** Runtimes of the 1.x line answer UNIMPLEMENTED. */
  async cgroupDriver(signal: AbortSignal): Promise<'SYSTEMD' | 'CGROUPFS' | undefined> {
    type Answer = { linux: { cgroupDriver: 'SYSTEMD' | 'CGROUPFS' } | null };
    return (await this.#call<Answer>('RuntimeConfig', {}, READ_MS, signal)).linux?.cgroupDriver;
  }

  async setPodCidr(podCidr: string, signal: AbortSignal): Promise<void> {
    await this.#call('UpdateRuntimeConfig', { runtimeConfig: { networkConfig: { podCidr } } }, READ_MS, signal);
  }

  async runSandbox(config: PodSandboxConfig, runtimeHandler: string, signal: AbortSignal): Promise<string> {
    type Answer = { podSandboxId: string };
    return (await this.#call<Answer>('RunPodSandbox', { config, runtimeHandler }, SANDBOX_MS, signal)).podSandboxId;
  }

  async stopSandbox(podSandboxId: string, signal: AbortSignal): Promise<void> {
    await ignoreNotFound(this.#call('StopPodSandbox', { podSandboxId }, CHANGE_MS, signal));
  }

  async removeSandbox(podSandboxId: string, signal: AbortSignal): Promise<void> {
    await ignoreNotFound(this.#call('RemovePodSandbox', { podSandboxId }, CHANGE_MS, signal));
  }

  async sandboxStatus(podSandboxId: string, signal: AbortSignal): Promise<SandboxStatus> {
    type Answer = { status: SandboxStatus };
    return (await this.#call<Answer>('PodSandboxStatus', { podSandboxId }, READ_MS, signal)).status;
  }

  /** With `verbose` the runtime adds facts of its own as JSON text, the process id among them. */
  async sandboxInfo(podSandboxId: string, signal: AbortSignal): Promise<StringMap> {
    type Answer = { info: StringMap };
    return (await this.#call<Answer>('PodSandboxStatus', { podSandboxId, verbose: true }, READ_MS, signal)).info;
  }

  /** Both at once. */
  sandboxDetails(podSandboxId: string, signal: AbortSignal): Promise<{ status: SandboxStatus; info: StringMap }> {
    return this.#call('PodSandboxStatus', { podSandboxId, verbose: true }, READ_MS, signal);
  }

  async listSandboxes(labelSelector: StringMap, signal: AbortSignal): Promise<Sandbox[]> {
    type Answer = { items: Sandbox[] };
    return (await this.#call<Answer>('ListPodSandbox', { filter: { labelSelector } }, READ_MS, signal)).items;
  }

  async createContainer(
    podSandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig,
    signal: AbortSignal,
  ): Promise<string> {
    const request = { podSandboxId, config, sandboxConfig };
    return (await this.#call<{ containerId: string }>('CreateContainer', request, CHANGE_MS, signal)).containerId;
  }

  async startContainer(containerId: string, signal: AbortSignal): Promise<void> {
    await this.#call('StartContainer', { containerId }, CHANGE_MS, signal);
  }

  /** Asks the container's first process to end and kills it after `graceSeconds`. */
  async stopContainer(containerId: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const request = { containerId, timeout: graceSeconds };
    await ignoreNotFound(this.#call('StopContainer', request, CHANGE_MS + graceSeconds * 1_000, signal));
  }

  async removeContainer(containerId: string, signal: AbortSignal): Promise<void> {
    await ignoreNotFound(this.#call('RemoveContainer', { containerId }, CHANGE_MS, signal));
  }

  async listContainers(labelSelector: StringMap, signal: AbortSignal): Promise<Container[]> {
    type Answer = { containers: Container[] };
    return (await this.#call<Answer>('ListContainers', { filter: { labelSelector } }, READ_MS, signal)).containers;
  }

  async containerStatus(containerId: string, signal: AbortSignal): Promise<ContainerStatus> {
    type Answer = { status: ContainerStatus };
    return (await this.#call<Answer>('ContainerStatus', { containerId }, READ_MS, signal)).status;
  }

  async containerInfo(containerId: string, signal: AbortSignal): Promise<StringMap> {
    type Answer = { info: StringMap };
    return (await this.#call<Answer>('ContainerStatus', { containerId, verbose: true }, READ_MS, signal)).info;
  }

  async updateContainer(containerId: string, linux: LinuxContainerResources, signal: AbortSignal): Promise<void> {
    await this.#call('UpdateContainerResources', { containerId, linux }, CHANGE_MS, signal);
  }

  async reopenLog(containerId: string, signal: AbortSignal): Promise<void> {
    await this.#call('ReopenContainerLog', { containerId }, READ_MS, signal);
  }

  /** Containerd knows this from 2.0 on; `timeoutSeconds` 0 is the runtime's own patience. */
  async checkpoint(containerId: string, location: string, timeoutSeconds: number, signal: AbortSignal): Promise<void> {
    const request = { containerId, location, timeout: timeoutSeconds };
    await this.#call('CheckpointContainer', request, CHANGE_MS + timeoutSeconds * 1_000, signal);
  }

  /** Runs a command to its end; `timeoutSeconds` 0 means no limit but the runtime's. */
  execSync(containerId: string, cmd: string[], timeoutSeconds: number, signal: AbortSignal): Promise<ExecResult> {
    const patience = timeoutSeconds > 0 ? timeoutSeconds * 1_000 + 5_000 : CHANGE_MS;
    return this.#call('ExecSync', { containerId, cmd, timeout: timeoutSeconds }, patience, signal);
  }

  /** These three answer with the address of the runtime's streaming server. */
  async exec(request: ExecRequest, signal: AbortSignal): Promise<string> {
    return (await this.#call<{ url: string }>('Exec', request, READ_MS, signal)).url;
  }

  async attach(request: AttachRequest, signal: AbortSignal): Promise<string> {
    return (await this.#call<{ url: string }>('Attach', request, READ_MS, signal)).url;
  }

  async portForward(podSandboxId: string, port: number[], signal: AbortSignal): Promise<string> {
    return (await this.#call<{ url: string }>('PortForward', { podSandboxId, port }, READ_MS, signal)).url;
  }

  async containerStats(containerId: string, signal: AbortSignal): Promise<ContainerStats> {
    type Answer = { stats: ContainerStats };
    return (await this.#call<Answer>('ContainerStats', { containerId }, READ_MS, signal)).stats;
  }

  async listContainerStats(labelSelector: StringMap, signal: AbortSignal): Promise<ContainerStats[]> {
    type Answer = { stats: ContainerStats[] };
    return (await this.#call<Answer>('ListContainerStats', { filter: { labelSelector } }, READ_MS, signal)).stats;
  }

  [Symbol.dispose]() {
    this.#channel[Symbol.dispose]();
  }

  #call<Res>(method: string, request: object, deadlineMs: number, signal: AbortSignal): Promise<Res> {
    return call(this.#channel.unary<object, Res>(method), request, { deadlineMs, signal, clock: this.#clock });
  }
}

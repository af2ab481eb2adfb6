// Plugins of this node (storage drivers, device drivers) make themselves known by a socket in plugins_registry. The
// folder is watched; what is there is compared with what is registered, so a lost event or a restart of this process
// costs nothing. Who takes a type of plugin gives a handler: `watcher.onPlugin('CSIPlugin', handler)`.
import { type FSWatcher, watch } from 'node:fs';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AT_REST, type Next, WorkQueue } from '../../api/client/work-queue.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { ifAbsent } from '../if-absent.ts';
import type { Registration } from './registration.ts';

export interface Plugin {
  readonly type: string;
  /** The driver's name, such as `hostpath.csi.example.com`. */
  readonly name: string;
  /** The socket of its service: a path. */
  readonly endpoint: string;
  readonly versions: readonly string[];
  /** The socket it registered with: tells two instances of one driver apart (a rolling update has both). */
  readonly socket: string;
}

export interface PluginHandler {
  /**
   * A plugin is there, or there anew: its process was restarted. Throwing refuses it: the plugin is told why, and the
   * registration is tried again with growing delay.
   */
  register(plugin: Plugin, signal: AbortSignal): Promise<void>;
  /** Its socket went. Another instance of the same name may be registered already: compare `socket`. */
  deregister(plugin: Plugin, signal: AbortSignal): Promise<void>;
}

export interface PluginWatcherDeps {
  readonly registration: Registration;
  readonly clock: Clock;
  readonly log: Logger;
}

const WORKERS = 4;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 60_000;
const REWATCH_MS = 1_000;
/** A plugin makes its socket and then listens on it. */
const SETTLE_MS = 20;
const DEPTH_MAX = 4;

interface Registered {
  readonly identity: string;
  readonly plugin: Plugin;
}

export class PluginWatcher implements AsyncDisposable {
  readonly #dir: string;
  readonly #deps: PluginWatcherDeps;
  readonly #handlers = new Map<string, PluginHandler>();
  readonly #registered = new Map<string, Registered>();
  /** What was last given to the queue, by socket: only another socket at the same path cuts a delay short. */
  readonly #asked = new Map<string, string>();
  readonly #watches = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #wake = Promise.withResolvers<void>();

  constructor(dir: string, deps: PluginWatcherDeps) {
    this.#dir = dir;
    this.#deps = deps;
    this.#queue = new WorkQueue(deps.clock, { firstRetryMs: FIRST_RETRY_MS, maxRetryMs: MAX_RETRY_MS });
  }

  /** Before `start`. */
  onPlugin(type: string, handler: PluginHandler): void {
    this.#handlers.set(type, handler);
  }

  start(): void {
    const { signal } = this.#stop;
    const failed = (socket: string, err: unknown, retryMs: number) =>
      this.#deps.log.warn({ socket, err, retryMs }, 'plugin not registered, trying again');
    const work = (socket: string) => this.#reconcile(socket, signal);
    this.#running = Promise.all([this.#watch(signal), this.#queue.run(WORKERS, work, failed, signal)]);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    this.#wake.resolve();
    await this.#running;
    for (const { watcher } of this.#watches.values()) watcher.close();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      const { promise, resolve } = this.#wake;
      try {
        await this.#look();
        await promise;
        await clock.sleep(SETTLE_MS, signal).catch(() => {}); // woken early only to end
      } catch (err) {
        log.warn({ err, dir: this.#dir }, 'folder of plugins not read, trying again');
        using _timer = clock.after(REWATCH_MS, resolve);
        await promise;
      }
    }
  }

  async #look(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o750 });
    const found = new Map<string, string>();
    const folders = new Set<string>();
    await this.#lookInto(this.#dir, 0, found, folders);
    for (const [dir, { watcher }] of this.#watches) {
      if (folders.has(dir)) continue;
      watcher.close();
      this.#watches.delete(dir);
    }
    for (const socket of new Set([...found.keys(), ...this.#asked.keys()])) {
      const identity = found.get(socket);
      if (identity === this.#asked.get(socket)) continue;
      if (identity === undefined) this.#asked.delete(socket);
      else this.#asked.set(socket, identity);
      this.#queue.add(socket);
    }
  }

  async #lookInto(dir: string, depth: number, found: Map<string, string>, folders: Set<string>): Promise<void> {
    // First the watch, then the look: what comes in between wakes us again.
    await this.#watchFolder(dir);
    folders.add(dir);
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const path = join(dir, entry.name);
      if (entry.isDirectory() && depth < DEPTH_MAX) {
        await this.#lookInto(path, depth + 1, found, folders).catch((err) => {
          if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err; // gone since
        });
      }
      if (!entry.isSocket()) continue;
      const identity = await identityOf(path);
      if (identity !== undefined) found.set(path, identity);
    }
  }

  async #watchFolder(dir: string): Promise<void> {
    const identity = (await identityOf(dir)) ?? '';
    const before = this.#watches.get(dir);
    if (before?.identity === identity) return;
    before?.watcher.close();
    const watcher = watch(dir, { persistent: false }, () => this.#wake.resolve());
    watcher.on('error', () => {
      watcher.close();
      if (this.#watches.get(dir)?.watcher === watcher) this.#watches.delete(dir);
      this.#wake.resolve();
    });
    this.#watches.set(dir, { identity, watcher });
  }

  async #reconcile(socket: string, signal: AbortSignal): Promise<Next> {
    const known = this.#registered.get(socket);
    const identity = await identityOf(socket);
    if (identity === known?.identity) return AT_REST;
    if (identity === undefined) {
      await this.#deregister(known!, signal);
      return AT_REST;
    }
    const { registration, log } = this.#deps;
    const info = await registration.getInfo(socket, signal);
    const { type, name, supportedVersions: versions } = info;
    if (name === '') throw new Error(`the plugin at socket ${socket} has no name`);
    const plugin: Plugin = { type, name, endpoint: info.endpoint || socket, versions, socket };
    if (known !== undefined && (known.plugin.type !== type || known.plugin.name !== name)) {
      await this.#deregister(known, signal); // another plugin took the path
    }
    try {
      const handler = this.#handlers.get(type);
      if (handler === undefined) throw new Error(`no handler registered for plugin type: ${type} at socket ${socket}`);
      await handler.register(plugin, signal);
    } catch (err) {
      signal.throwIfAborted();
      const why = err instanceof Error ? err.message : String(err);
      await registration.notify(socket, why, signal).catch(() => {}); // the refusal is what counts
      throw err;
    }
    this.#registered.set(socket, { identity, plugin });
    log.info({ type, plugin: name, endpoint: plugin.endpoint, versions }, 'plugin registered');
    await registration.notify(socket, undefined, signal).catch((err) => {
      signal.throwIfAborted();
      log.warn({ plugin: name, err }, 'plugin not told that it is registered');
    });
    return AT_REST;
  }

  async #deregister({ plugin }: Registered, signal: AbortSignal): Promise<void> {
    await this.#handlers.get(plugin.type)?.deregister(plugin, signal);
    this.#registered.delete(plugin.socket);
    this.#deps.log.info({ type: plugin.type, plugin: plugin.name }, 'plugin gone');
  }
}

/** Of this very file: another one at the same path has another, even if the inode was used again. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await lstat(path, { bigint: true }).catch(ifAbsent(undefined));
  return found && `${found.dev}:${found.ino}:${found.birthtimeNs}`;
}

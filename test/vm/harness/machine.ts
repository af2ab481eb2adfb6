// One virtual machine: a copy of an image's disk, booted without a screen, its console in a file, commands through ssh
// with a key that exists for this run only. Dies with the test process, however that ends.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ownDir } from '../../cluster/harness/names.ts';
import { collect, type ExecOptions, type ExecResult, exec } from '../../cluster/harness/process.ts';
import { InVain, waitFor } from '../../cluster/harness/wait.ts';
import { type Accelerator, accelerator } from './accelerator.ts';
import type { VmImage } from './image.ts';

const BOOT_MS = 30_000;
const EXEC_MS = 30_000;
const POWER_OFF_MS = 20_000;
const CONSOLE_TAIL = 4_000;

export interface MachineOptions {
  readonly memoryMiB?: number;
  readonly processors?: number;
}

export class Machine implements AsyncDisposable {
  readonly accelerator: Accelerator;
  readonly #dir: string;
  readonly #image: VmImage;
  readonly #options: MachineOptions;
  readonly #publicKey: string;
  #qemu: ChildProcess | undefined;
  /** An open connection that commands share: a handshake costs an emulated machine seconds. */
  #master: ChildProcess | undefined;
  #port = 0;
  /** How the last qemu came to its end. */
  #ended = '';

  private constructor(
    dir: string,
    image: VmImage,
    accelerator: Accelerator,
    publicKey: string,
    options: MachineOptions,
  ) {
    this.#dir = dir;
    this.#image = image;
    this.accelerator = accelerator;
    this.#publicKey = publicKey;
    this.#options = options;
  }

  /** Switched off: `boot` switches it on. */
  static async create(image: VmImage, options: MachineOptions = {}): Promise<Machine> {
    const dir = await ownDir();
    await exec('cp', ['--reflink=auto', '--sparse=always', image.disk, join(dir, 'disk')], { timeoutMs: 120_000 });
    await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, 'key')]);
    const publicKey = (await readFile(join(dir, 'key.pub'), 'utf8')).split(' ')[1]!.trim();
    return new Machine(dir, image, await accelerator(image), publicKey, options);
  }

  /** What a deadline for real machines is on this one. */
  ms(onRealMachine: number): number {
    return onRealMachine * this.accelerator.slowness;
  }

  async boot(): Promise<void> {
    if (this.#qemu !== undefined) throw new Error('the machine is running');
    this.#port = await freePort();
    const { memoryMiB = 2048, processors = 2 } = this.#options;
    // setpriv: the kernel ends it when the test process goes.
    const qemu = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...this.accelerator.args],
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-rtc', 'base=utc'],
        ...['-m', `${memoryMiB}`, '-smp', `${processors}`],
        ...['-kernel', this.#image.kernel, '-initrd', this.#image.initrd],
        ...['-append', `root=/dev/vda rw console=ttyS0 quiet panic=-1 test-key=${this.#publicKey}`],
        // What the guest wrote is in the host's page cache, which outlives a killed qemu: syncs may be no-ops.
        ...['-drive', `file=${join(this.#dir, 'disk')},if=virtio,format=raw,cache=unsafe`],
        ...['-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${this.#port}-:22`],
        ...['-device', 'virtio-net-pci,netdev=net,romfile=', '-device', 'virtio-rng-pci'],
        ...['-chardev', `file,id=console,path=${this.#consoleFile},append=on`, '-serial', 'chardev:console'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let complaint = '';
    qemu.stderr.on('data', (chunk) => {
      complaint = `${complaint}${chunk}`.slice(-2_000);
    });
    qemu.once('close', (code, signal) => {
      if (this.#qemu !== qemu) return;
      this.#qemu = undefined;
      this.#ended = `qemu ended (${signal ?? code}): ${complaint.trim()}`;
    });
    this.#ended = '';
    this.#qemu = qemu;
    await this.#untilUp();
  }

  /** Runs a script as root; a code other than 0 is an error unless it may fail. */
  async sh(script: string, { timeoutMs = this.ms(EXEC_MS), ...opts }: ExecOptions = {}): Promise<ExecResult> {
    const child = this.spawn(script, { stdio: ['pipe', 'pipe', 'pipe'] });
    return collect(child, script, { timeoutMs, ...opts }, () => Promise.resolve(child.kill('SIGKILL')));
  }

  /** With a terminal (`tty`), what is written to stdin is typed there, Ctrl-C among it. */
  spawn(script: string, { tty = false, ...options }: SpawnOptions & { tty?: boolean } = {}): ChildProcess {
    // ssh gives the terminal there the settings of the one here; there is none here, and so Ctrl-C would mean nothing.
    const command = tty ? ['-tt', 'root@127.0.0.1', `stty sane; ${script}`] : ['root@127.0.0.1', script];
    return spawn('ssh', [...this.#sshArgs(), ...command], options);
  }

  async put(file: string, path: string): Promise<void> {
    await this.sh(`cat > '${path}'`, { input: await readFile(file), timeoutMs: this.ms(EXEC_MS) });
  }

  /** As `reboot` does: services are stopped, then the kernel starts anew. */
  async reboot(): Promise<void> {
    const before = await this.#bootId();
    await this.sh('systemctl reboot', { mayFail: true });
    this.#hangUp();
    const isAnother = async () => (await this.#bootId()) !== before;
    await waitFor('the machine to be up again', isAnother, { timeoutMs: this.ms(2 * BOOT_MS), intervalMs: 1_000 });
    await this.#untilUp();
  }

  /** The power fails. */
  async crash(): Promise<void> {
    const qemu = this.#qemu;
    if (qemu === undefined) return;
    this.#hangUp();
    const closed = once(qemu, 'close');
    qemu.kill('SIGKILL');
    await closed;
  }

  async powerOff(): Promise<void> {
    await this.sh('systemctl poweroff', { mayFail: true });
    this.#hangUp();
    await waitFor('the machine to switch itself off', () => this.#qemu === undefined, {
      timeoutMs: this.ms(POWER_OFF_MS),
    });
  }

  /** The end of what its console showed, and how qemu ended if it did. */
  async console(): Promise<string> {
    const text = await readFile(this.#consoleFile, 'utf8').catch(() => '');
    return `${text.slice(-CONSOLE_TAIL)}\n${this.#ended}\n`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
    await rm(this.#dir, { recursive: true, force: true });
  }

  get #socket(): string {
    return join(this.#dir, 'ssh');
  }

  get #consoleFile(): string {
    return join(this.#dir, 'console');
  }

  async #untilUp(): Promise<void> {
    const look = async () => {
      if (this.#qemu === undefined) throw new InVain(this.#ended);
      // Degraded is up as well: one unit or another has no business in a virtual machine.
      const { stdout } = await this.sh('systemctl is-system-running', { mayFail: true, timeoutMs: this.ms(3_000) });
      return /^(running|degraded)$/.test(stdout.trim()) || stdout || false;
    };
    const isUp = async () => (await look()) === true;
    await waitFor('the machine to be up', isUp, { timeoutMs: this.ms(BOOT_MS), intervalMs: 500 }).catch(async (err) => {
      throw new Error(`${err.message}\n${await this.console()}`, { cause: err });
    });
    const ssh = ['--pdeathsig', 'KILL', 'ssh', ...this.#sshArgs(), '-M', '-N', 'root@127.0.0.1'];
    this.#master = spawn('setpriv', ssh, { stdio: 'ignore' });
    await waitFor('a connection to the machine', () => exists(this.#socket), { timeoutMs: this.ms(5_000) });
  }

  #hangUp(): void {
    this.#master?.kill();
    this.#master = undefined;
  }

  async #bootId(): Promise<string> {
    return (await this.sh('cat /proc/sys/kernel/random/boot_id', { timeoutMs: this.ms(3_000) })).stdout.trim();
  }

  #sshArgs(): string[] {
    const options = {
      // Where no master listens, a command makes a connection of its own.
      ControlPath: this.#socket,
      IdentityFile: join(this.#dir, 'key'),
      IdentitiesOnly: 'yes',
      // A machine made a minute ago has no history; its address is ours alone.
      StrictHostKeyChecking: 'no',
      UserKnownHostsFile: '/dev/null',
      BatchMode: 'yes',
      LogLevel: 'ERROR',
      ConnectTimeout: '20',
      ServerAliveInterval: '15',
      ServerAliveCountMax: '8',
    };
    return ['-F', 'none', '-p', `${this.#port}`, ...Object.entries(options).flatMap(([k, v]) => ['-o', `${k}=${v}`])];
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

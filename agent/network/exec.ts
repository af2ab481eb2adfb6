// agent/network: how the room runs the host's programs (nft, ip, bridge, conntrack, sysctl). One small seam, so
// that tests run them inside a network namespace by putting a prefix in front.
import { spawn } from 'node:child_process';
import type { Clock } from '../../api/clock.ts';
import { freeShell } from '../shells.ts';

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly stdin?: string;
  /** Told as soon as the process exists: events in the kernel name it. */
  readonly started?: (pid: number) => void;
}

/** Runs a program to its end. A non-zero exit is a result; not starting, and running out of time, are errors. */
export type Exec = (command: readonly string[], options: ExecOptions, signal: AbortSignal) => Promise<ExecResult>;

export class ExecError extends Error {
  override readonly name = 'ExecError';
}

/** The longest any program here may take: the biggest transaction measured took well under a second. */
const DEADLINE_MS = 30_000;
/** What a shell says of a program that is not there. */
const NOT_FOUND = 127;
const OUTPUT_MAX_BYTES = 256 << 20;

/** Programs run as `prefix... program args...`: with `ip netns exec x` in front they see another network. */
export function hostExec(clock: Clock, prefix: readonly string[] = []): Exec {
  return async (command, { stdin, started }, signal) => {
    signal.throwIfAborted();
    const words = [...prefix, ...command];
    const what = command.slice(0, 3).join(' ');
    const deadline = AbortSignal.any([signal, clock.deadline(DEADLINE_MS)]);
    const late = () => `${what}: no answer within ${DEADLINE_MS / 1000} s`;
    const shell = freeShell(stdin);
    if (shell !== undefined) {
      try {
        const ran = await shell.run(words, { ...(stdin && { stdin }), ...(started && { started }) }, deadline);
        if (ran.code === NOT_FOUND) throw new ExecError(`${what}: cannot be started: ${ran.stderr.trim()}`);
        return ran;
      } catch (cause) {
        signal.throwIfAborted();
        if (cause instanceof ExecError) throw cause;
        throw new ExecError(deadline.aborted ? late() : `${what}: not run to its end`, { cause });
      }
    }
    const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
    const child = spawn(words[0]!, words.slice(1), { stdio: ['pipe', 'pipe', 'pipe'], signal: deadline });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let bytes = 0;
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= OUTPUT_MAX_BYTES) into.push(chunk);
      else child.kill('SIGKILL');
    };
    child.stdout.on('data', collect(out));
    child.stderr.on('data', collect(err));
    // A program that ends before it has read everything says why on its way out; EPIPE adds nothing.
    child.stdin.on('error', () => {});
    child.on('spawn', () => started?.(child.pid!));
    child.on('error', (cause) => {
      if (signal.aborted) reject(signal.reason);
      else if (deadline.aborted) reject(new ExecError(late(), { cause }));
      else reject(new ExecError(`${what}: cannot be started`, { cause }));
    });
    child.on('close', (code) => {
      if (bytes > OUTPUT_MAX_BYTES) reject(new ExecError(`${what}: more than ${OUTPUT_MAX_BYTES >> 20} MiB of output`));
      resolve({ code: code ?? 128, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
    child.stdin.end(stdin ?? '');
    return promise;
  };
}

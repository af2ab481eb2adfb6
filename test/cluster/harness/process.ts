// Child processes of tests: run one to its end with bounded output and a deadline, or say how it failed in one line.
import { type ChildProcess, spawn } from 'node:child_process';

export interface ExecOptions {
  input?: string | Uint8Array;
  env?: Record<string, string>;
  cwd?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** A code other than 0 is an answer, not an error. */
  mayFail?: boolean;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
  code: number | null;
}

const OUTPUT_MAX_BYTES = 32 * 1024 * 1024;

export async function exec(command: string, args: readonly string[], opts: ExecOptions = {}): Promise<ExecResult> {
  const child = spawn(command, args, { cwd: opts.cwd, env: opts.env, stdio: ['pipe', 'pipe', 'pipe'] });
  return collect(child, [command, ...args].join(' '), opts, () => Promise.resolve(child.kill('SIGKILL')));
}

export async function collect(
  child: ChildProcess,
  what: string,
  { input, timeoutMs = 60_000, signal, mayFail }: ExecOptions,
  kill: () => Promise<unknown>,
): Promise<ExecResult> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], bytes: 0 };
  let failure: Error | undefined;
  const giveUp = (why: string) => {
    failure ??= new Error(`${what}: ${why}${said(output.stderr)}`);
    kill().catch(reject);
  };
  const timer = setTimeout(() => giveUp(`not done within ${timeoutMs} ms`), timeoutMs);
  const aborted = () => giveUp('aborted');
  signal?.addEventListener('abort', aborted);
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      output.bytes += chunk.length;
      if (output.bytes > OUTPUT_MAX_BYTES) giveUp('too much output');
      else output[name].push(chunk);
    });
  }
  child.once('error', reject);
  child.once('close', (code) => resolve(code));
  // One that ends without reading its input breaks the pipe; its exit code says what matters.
  child.stdin?.on('error', () => child.stdin?.destroy());
  child.stdin?.end(input);
  if (signal?.aborted) aborted();
  try {
    const code = await promise;
    if (failure !== undefined) throw failure;
    if (code !== 0 && !mayFail) throw new Error(`${what}: exit code ${code}${said(output.stderr)}`);
    return { stdout: text(output.stdout), stderr: text(output.stderr), code };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
  }
}

function said(stderr: Buffer[]): string {
  const tail = text(stderr).trim().slice(-2000);
  return tail === '' ? '' : `\n${tail}`;
}

function text(chunks: Buffer[]): string {
  return Buffer.concat(chunks).toString('utf8');
}

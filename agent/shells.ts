// How this process runs the small programs of the host (nft, ip, mount): through a few shells that stay. Node starts a
// child by forking itself, and stands still until the child has become the program: 3 ms of CPU and, on a busy machine,
// 10 to 20 ms in which no other pod is looked after. A shell forks in a tenth of a millisecond.
//
// A shell runs one program at a time. What Node writes to it: the program with its input as a here-document, then the
// order to print a mark on both outputs, behind whatever the program wrote. The shells end with the pipe, so with us.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  /** Told before the program can have done anything. */
  readonly started?: (pid: number) => void;
}

const SHELLS_MAX = 3;
const INPUT_MAX_BYTES = 64 << 10;
const END = 'END-OF-INPUT';
const MARK = '\0';
const NEWLINE = 10;

/** The program could not be run to its end: it may have done its work or not. */
export class ShellError extends Error {
  override readonly name = 'ShellError';
}

const idle: Shell[] = [];
let count = 0;

/** A shell that has nothing to do and can take this input; undefined when there is none. */
export function freeShell(stdin = ''): Shell | undefined {
  if (stdin.length > INPUT_MAX_BYTES || stdin.includes(END) || stdin.includes(MARK)) return undefined;
  const known = idle.pop();
  if (known !== undefined || count >= SHELLS_MAX) return known;
  count++;
  return new Shell();
}

export class Shell {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #died = Promise.withResolvers<never>();

  constructor() {
    this.#process = spawn('sh', ['-s'], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#died.promise.catch(() => {}); // told to whoever runs something
    const died = (cause?: Error) => {
      const at = idle.indexOf(this);
      if (at >= 0) idle.splice(at, 1);
      this.#died.reject(new ShellError('the shell ended', { cause }));
    };
    this.#process.on('error', died);
    this.#process.stdin.on('error', died);
    this.#process.on('exit', () => {
      count--;
      died();
    });
    this.#keepAlive(false);
  }

  /** Takes this shell until the program has ended. Aborted, the program is killed and the shell goes with it. */
  async run(command: readonly string[], { stdin = '', started }: RunOptions, signal: AbortSignal): Promise<Ran> {
    if (signal.aborted) {
      idle.push(this);
      throw signal.reason;
    }
    this.#keepAlive(true);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    let pid: number | undefined;
    const abort = () => {
      if (pid !== undefined) kill(pid);
      this.#process.stdin.end();
      reject(new ShellError('given up'));
    };
    const out = new Output(this.#process.stdout, () => {});
    const err = new Output(this.#process.stderr, (line) => {
      pid = Number(line);
      started?.(pid);
      if (signal.aborted) kill(pid);
    });
    signal.addEventListener('abort', abort, { once: true });
    try {
      this.#process.stdin.write(scriptOf(command, stdin));
      const ended = Promise.all([out.ended, err.ended]);
      const [[stdout, code], [said]] = await Promise.race([ended, this.#died.promise, aborted]);
      out.close();
      err.close();
      idle.push(this);
      return { code: Number(code), stdout, stderr: said.slice(said.indexOf('\n') + 1) };
    } finally {
      signal.removeEventListener('abort', abort);
      this.#keepAlive(false);
    }
  }

  /** Only a program that runs is a reason for this process to go on. */
  #keepAlive(yes: boolean): void {
    for (const each of [this.#process, this.#process.stdin, this.#process.stdout, this.#process.stderr]) {
      const held = each as unknown as { ref(): void; unref(): void };
      if (yes) held.ref();
      else held.unref();
    }
  }
}

/** What comes out until the mark, and what stands behind it. */
class Output {
  readonly ended: Promise<readonly [text: string, behind: string]>;
  readonly close: () => void;

  constructor(stream: Readable, firstLine: (line: string) => void) {
    const { promise, resolve } = Promise.withResolvers<readonly [string, string]>();
    const chunks: Buffer[] = [];
    let isFirst = true;
    let isMarked = false;
    const read = (chunk: Buffer) => {
      chunks.push(chunk);
      if (isFirst && chunk.includes('\n')) {
        isFirst = false;
        firstLine(Buffer.concat(chunks).toString().split('\n', 1)[0]!);
      }
      isMarked ||= chunk.includes(MARK);
      if (!isMarked || chunk.at(-1) !== NEWLINE) return;
      const text = Buffer.concat(chunks).toString();
      const at = text.indexOf(MARK);
      resolve([text.slice(0, at), text.slice(at + 1, -1)]);
    };
    stream.on('data', read);
    this.ended = promise;
    this.close = () => void stream.off('data', read);
  }
}

/** The inner shell tells its process id before it becomes the program. */
function scriptOf(command: readonly string[], stdin: string): string {
  const words = ['sh', '-c', 'echo $$ >&2; exec "$@"', 'sh', ...command].map(quoted).join(' ');
  const input = stdin === '' ? ' </dev/null\n' : ` <<'${END}'\n${stdin}${stdin.endsWith('\n') ? '' : '\n'}${END}\n`;
  return `${words}${input}printf '\\0%d\\n' $?; printf '\\0\\n' >&2\n`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}

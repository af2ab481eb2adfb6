// containerd's task service: stop signals that a pod chooses itself. The smallest part of it: send one, wait for the end.
import { constants } from 'node:os';
import { assetPath } from '../../api/assets.ts';
import type { Clock } from '../../api/clock.ts';
import { call, ignoreNotFound, isCri } from './call.ts';
import { Channel } from './channel.ts';

const KILL_MS = 10_000;
const HEADERS = { 'containerd-namespace': 'k8s.io' };
/** As the C library counts them: two are its own. */
const FIRST_REAL_TIME = 34;
const LAST_REAL_TIME = 64;

/** SIGUSR1, SIGRTMIN+3, SIGRTMAX-2 ...; undefined for what is none. */
export function signalNumber(name: string): number | undefined {
  const [, edge, more] = /^SIGRT(MIN|MAX)(?:[+-](\d+))?$/.exec(name) ?? [];
  if (edge === 'MIN') return FIRST_REAL_TIME + Number(more ?? 0);
  if (edge === 'MAX') return LAST_REAL_TIME - Number(more ?? 0);
  return constants.signals[(name === 'SIGCLD' ? 'SIGCHLD' : name) as NodeJS.Signals];
}

export class TaskClient implements Disposable {
  readonly #channel: Channel;
  readonly #clock: Clock;

  constructor(socket: string, clock: Clock) {
    const proto = assetPath('proto/containerd-tasks.proto');
    this.#channel = new Channel(socket, proto, 'containerd.services.tasks.v1.Tasks', HEADERS);
    this.#clock = clock;
  }

  /** Sends the signal to the container's first process, and waits for its end as long as it is allowed to. */
  async stop(containerId: string, signal: number, graceMs: number, until: AbortSignal): Promise<void> {
    const options = { signal: until, clock: this.#clock };
    await ignoreNotFound(
      call(this.#channel.unary('Kill'), { containerId, signal }, { ...options, deadlineMs: KILL_MS }),
    );
    const ended = call(this.#channel.unary('Wait'), { containerId }, { ...options, deadlineMs: graceMs });
    await ended.catch((err) => {
      if (!isCri(err, 'NOT_FOUND', 'DEADLINE_EXCEEDED')) throw err; // gone, or too slow: the caller goes on
    });
  }

  [Symbol.dispose]() {
    this.#channel[Symbol.dispose]();
  }
}

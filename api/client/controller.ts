// The pattern of every controller: sources put keys into a queue, a pass reads the newest world for one key,
// decides, acts and says when to look again. apiserver/controllers/README.md shows the smallest one.
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { KubeObject } from '../schema/kind.ts';
import { isConflict } from '../status.ts';
import type { Informer } from './informer.ts';
import { type Next, WorkQueue } from './work-queue.ts';

/** A change of `informer`'s object means: look at these keys. */
export interface Source {
  attach(enqueue: (key: string) => void): void;
  synced(signal: AbortSignal): Promise<void>;
}

export function on<T extends KubeObject>(
  informer: Informer<T>,
  keys: (key: string, now: T | undefined, before: T | undefined) => Iterable<string>,
): Source {
  return {
    attach: (enqueue) =>
      informer.onChange((key, now, before) => {
        for (const each of keys(key, now, before)) enqueue(each);
      }),
    synced: (signal) => informer.synced(signal),
  };
}

/** The object itself. */
export const itself = (key: string): string[] => [key];

/** Whoever controls the object, when it is of this kind, now or before. */
export function itsController(kind: string): (key: string, now?: KubeObject, before?: KubeObject) => string[] {
  return (_key, now, before) => {
    const names = [now, before].flatMap((object) => {
      const owner = object?.metadata.ownerReferences?.find((reference) => reference.controller === true);
      return owner?.kind === kind ? [`${object!.metadata.namespace}/${owner.name}`] : [];
    });
    return [...new Set(names)];
  };
}

export interface ControllerOptions {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Next>;
  readonly workers?: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Runs until the signal aborts. No pass happens before every source has its first list. */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { name, sources, reconcile, workers = 2, clock } = options;
  const log = options.log.child({ controller: name });
  const queue = new WorkQueue(clock);
  await Promise.all(sources.map((source) => source.synced(signal)));
  for (const source of sources) source.attach((key) => queue.add(key));
  const failed = (key: string, err: unknown, retryMs: number) => {
    // Somebody else wrote first: the next pass reads what they wrote. Not news for an operator.
    if (isConflict(err)) log.debug({ key, retryMs }, 'written by somebody else, looking again');
    else log.warn({ key, err, retryMs }, 'pass failed');
  };
  await queue.run(workers, reconcile, failed, signal);
}

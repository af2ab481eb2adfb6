// What the scheduler writes: bindings, why a pod waits, and the leave of pods that make room. No decisions here.
import type { Client } from '../../api/client/client.ts';
import { type Clock, timestamp } from '../../api/clock.ts';
import { parseKey, type ResourceDefinition } from '../../api/resource.ts';
import { isNotFound } from '../../api/status.ts';
import { pods } from '../../api/types/core/resources.ts';
import { type PodInfo, PREEMPTED, SCHEDULER_NAME } from './pod-info.ts';
import type { SchedulerRecorder } from './recorder.ts';

const CALL_DEADLINE_MS = 30_000;

export interface Waiting {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** Undefined leaves it as it is; '' takes it away. */
  readonly nominatedNodeName?: string;
}

export class Performer {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #recorder: SchedulerRecorder;

  constructor({ client, clock, recorder }: { client: Client; clock: Clock; recorder: SchedulerRecorder }) {
    this.#client = client;
    this.#clock = clock;
    this.#recorder = recorder;
  }

  async bind(pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod;
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid },
      target: { kind: 'Node', name: nodeName },
    };
    const of = pods as unknown as ResourceDefinition;
    await this.#client.post(of, { namespace, name }, 'binding', body, this.#soon(signal));
    const note = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
    this.#recorder.tell(pod, { type: 'Normal', reason: 'Scheduled', action: 'Binding', note });
  }

  async report(pod: PodInfo, { reason, message, nominatedNodeName }: Waiting, signal: AbortSignal): Promise<void> {
    this.#recorder.tell(pod, { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', note: message });
    const { reported } = pod;
    const renominated = nominatedNodeName !== undefined && nominatedNodeName !== pod.nominatedNodeName;
    const known = reported?.status === 'False' && reported.reason === reason && reported.message === message;
    if (known && !renominated) return;
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastProbeTime: null,
      // The time when it began to wait, not when the reason changed.
      lastTransitionTime: (reported?.status === 'False' && reported.lastTransitionTime) || timestamp(this.#clock.now()),
      ...(pod.generation !== undefined && { observedGeneration: pod.generation }),
    };
    await this.#patchStatus(
      pod,
      { conditions: [condition], ...(renominated && { nominatedNodeName: nominatedNodeName || null }) },
      signal,
    );
  }

  /** It was promised a node that a more important pod gets. */
  async withdrawPromise(pod: PodInfo, signal: AbortSignal): Promise<void> {
    await this.#patchStatus(pod, { nominatedNodeName: null }, signal);
  }

  async preempt(victim: PodInfo, by: PodInfo, nodeName: string, signal: AbortSignal): Promise<void> {
    if (victim.terminating) return; // on its way already: waiting is enough
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: PREEMPTED,
      message: `${SCHEDULER_NAME}: preempting to accommodate a higher priority pod`,
      lastProbeTime: null,
      lastTransitionTime: timestamp(this.#clock.now()),
      ...(victim.generation !== undefined && { observedGeneration: victim.generation }),
    };
    const types = await this.#conditionTypes(victim, signal);
    if (types === undefined) return;
    // New conditions come last, as everywhere; without being told, a merge puts them first.
    const order = [...new Set([...types, condition.type])].map((type) => ({ type }));
    await this.#patchStatus(victim, { '$setElementOrder/conditions': order, conditions: [condition] }, signal);
    const preconditions = { uid: victim.uid };
    await this.#client.delete(pods, parseKey(victim.key), { preconditions }, this.#soon(signal)).catch(unlessGone);
    const note = `Preempted by pod ${by.uid} on node ${nodeName}`;
    this.#recorder.tell(victim, { type: 'Normal', reason: 'Preempted', action: 'Preempting', note });
  }

  /** Undefined when the pod is gone. */
  async #conditionTypes({ key, uid }: PodInfo, signal: AbortSignal): Promise<string[] | undefined> {
    const now = await this.#client.get(pods, parseKey(key), {}, this.#soon(signal)).catch(unlessGone);
    return now?.metadata.uid === uid ? (now.status.conditions ?? []).map(({ type }) => type) : undefined;
  }

  /** The UID makes sure that a pod of the same name made anew is not meant. */
  async #patchStatus({ key, uid }: PodInfo, status: object, signal: AbortSignal): Promise<void> {
    const patch = { type: 'strategic' as const, body: { metadata: { uid }, status } };
    await this.#client
      .patch(pods, parseKey(key), patch, { subresource: 'status' }, this.#soon(signal))
      .catch(unlessGone);
  }

  #soon(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#clock.deadline(CALL_DEADLINE_MS)]);
  }
}

function unlessGone(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
}

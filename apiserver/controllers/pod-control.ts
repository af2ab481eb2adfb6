// Creating and deleting pods for an owner, with the events an operator expects and the expectations that keep a pass
// from doing it twice.
import type { Client } from '../../api/client/client.ts';
import type { EventRecorder } from '../../api/client/events.ts';
import { nameSuffix, type Random } from '../../api/random.ts';
import { keyOf, type ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { ApiError, isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { Pod, PodTemplateSpec } from '../../api/types/core/pod.ts';

import { pods } from '../../api/types/core/resources.ts';
import type { Expectations } from './expectations.ts';
import { ownerReference } from './ownership.ts';

export interface PodControlDeps {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly random: Random;
  readonly expectations: Expectations;
}

/** Long owners' names are cut so that the suffix still fits. */
const PREFIX_MAX = 58;

export class PodControl {
  readonly #deps: PodControlDeps;

  constructor(deps: PodControlDeps) {
    this.#deps = deps;
  }

  async create(
    owner: KubeObject,
    of: ResourceDefinition,
    template: PodTemplateSpec,
    signal: AbortSignal,
    shape: { name?: string; change?: (pod: { metadata: Pod['metadata']; spec: Pod['spec'] }) => void } = {},
  ): Promise<void> {
    const { client, recorder, random, expectations } = this.#deps;
    const generateName = `${owner.metadata.name}-`;
    const name = shape.name ?? `${generateName.slice(0, PREFIX_MAX)}${nameSuffix(random)}`;
    const { labels, annotations, finalizers } = template.metadata ?? {};
    const { namespace } = owner.metadata;
    const pod = {
      metadata: {
        name,
        ...(shape.name === undefined && { generateName }),
        namespace,
        ...(labels && { labels: { ...labels } }),
        ...(annotations && { annotations: { ...annotations } }),
        ...(finalizers && { finalizers: [...finalizers] }),
        ownerReferences: [ownerReference(owner, of)],
      } as Pod['metadata'],
      spec: structuredClone(template.spec!),
    };
    shape.change?.(pod);
    const [ownerKey, podKey] = [keyOf(owner), `${namespace}/${name}`];
    expectations.expect(ownerKey, 'creation', podKey);
    try {
      await client.create(pods, pod, {}, signal);
      recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${name}`);
    } catch (err) {
      expectations.settle(ownerKey, 'creation', podKey);
      if (isAlreadyExists(err) && shape.name === undefined) return; // chance met chance: the next pass draws again
      // A namespace that is going away takes its owners with it: not worth an event.
      if (err instanceof ApiError && !isNamespaceTerminating(err)) {
        recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${err.message}`);
      }
      throw err;
    }
  }

  async delete(owner: KubeObject, pod: Pod, signal: AbortSignal): Promise<void> {
    const { client, recorder, expectations } = this.#deps;
    const [ownerKey, podKey] = [keyOf(owner), keyOf(pod)];
    expectations.expect(ownerKey, 'deletion', podKey);
    try {
      await client.delete(pods, pod.metadata, { preconditions: { uid: pod.metadata.uid } }, signal);
      recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
    } catch (err) {
      expectations.settle(ownerKey, 'deletion', podKey);
      if (isNotFound(err)) return;
      if (err instanceof ApiError) {
        recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${err.message}`);
      }
      throw err;
    }
  }

  /** In growing batches, so that what cannot succeed fails few times: 1, 2, 4 ... at once. */
  async createMany(count: number, createOne: () => Promise<void>): Promise<void> {
    for (let done = 0, batch = 1; done < count; batch *= 2) {
      const size = Math.min(batch, count - done);
      const results = await Promise.allSettled(Array.from({ length: size }, createOne));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      done += size;
    }
  }
}

function isNamespaceTerminating(err: ApiError): boolean {
  return err.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}

// Past templates of a workload, kept as controller revisions so that it can go back. One revision stands for one
// template: going back renumbers the old revision, it does not make a new one.
import type { Client } from '../../api/client/client.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { clone } from '../../api/schema/clone.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { ControllerRevision } from '../../api/types/apps/controller-revision.ts';
import { controllerRevisions } from '../../api/types/apps/resources.ts';
import type { PodTemplateSpec } from '../../api/types/core/pod.ts';
import { ownerReference } from './ownership.ts';

export interface Revised extends KubeObject {
  spec: { template: PodTemplateSpec; revisionHistoryLimit?: number };
  status: { collisionCount?: number };
}

export interface RevisionStyle<T extends Revised> {
  readonly of: ResourceDefinition<T>;
  readonly hashLabel: string;
  readonly hash: (owner: T, collisionCount: number) => string;
}

/** What a revision holds: a patch that puts the template back. */
export function templateData(template: PodTemplateSpec): Record<string, unknown> {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}

/** The template that a revision holds. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (data as { spec: { template: PodTemplateSpec & { $patch?: string } } }).spec
    .template;
  return clone(template) as PodTemplateSpec;
}

const numberOf = ({ revision }: ControllerRevision): number => Number(revision ?? 0);
const byNumber = (a: ControllerRevision, b: ControllerRevision) =>
  numberOf(a) - numberOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1);

/** Pure: the revision that has this template, if any, and the number it should have. */
export function decideRevision(
  revisions: readonly ControllerRevision[],
  template: PodTemplateSpec,
): { same: ControllerRevision | undefined; number: number } {
  const sorted = revisions.toSorted(byNumber);
  const data = templateData(template);
  const same = sorted.findLast((revision) => deepEqual(revision.data, data));
  const last = sorted.at(-1);
  const isNewest = same !== undefined && numberOf(same) === numberOf(last!);
  return { same, number: isNewest ? numberOf(same) : numberOf(last ?? ({ revision: 0 } as ControllerRevision)) + 1 };
}

/** Pure: the oldest revisions beyond the limit that nothing uses. @param live names of those in use */
export function surplusRevisions(
  revisions: readonly ControllerRevision[],
  live: ReadonlySet<string>,
  limit: number,
): ControllerRevision[] {
  const unused = revisions.filter(({ metadata }) => !live.has(metadata.name)).sort(byNumber);
  return unused.slice(0, Math.max(0, unused.length - limit));
}

/** The revision of the owner's template: found, renumbered or created. */
export async function ensureRevision<T extends Revised>(
  client: Client,
  style: RevisionStyle<T>,
  owner: T,
  revisions: readonly ControllerRevision[],
  signal: AbortSignal,
): Promise<{ revision: ControllerRevision; collisionCount: number }> {
  const { same, number } = decideRevision(revisions, owner.spec.template);
  let collisionCount = owner.status.collisionCount ?? 0;
  if (same !== undefined) {
    if (numberOf(same) === number) return { revision: same, collisionCount };
    const renumbered = { ...same, revision: number as ControllerRevision['revision'] };
    return { revision: await client.update(controllerRevisions, renumbered, {}, signal), collisionCount };
  }
  const { name, namespace, annotations } = owner.metadata;
  for (;;) {
    const hash = style.hash(owner, collisionCount);
    const key = { namespace, name: `${name.slice(0, 223)}-${hash}` };
    const metadata = {
      ...key,
      labels: { ...owner.spec.template.metadata?.labels, [style.hashLabel]: hash },
      ...(annotations && { annotations: { ...annotations } }),
      ownerReferences: [ownerReference(owner, style.of as unknown as ResourceDefinition)],
    };
    const data = templateData(owner.spec.template);
    try {
      const fresh = { metadata, data, revision: number as ControllerRevision['revision'] };
      return { revision: await client.create(controllerRevisions, fresh, {}, signal), collisionCount };
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
      const there = await client.get(controllerRevisions, key, {}, signal);
      // Made by a pass that the cache has not shown yet, or another template that got the same hash.
      if (deepEqual(there.data, data)) return { revision: there, collisionCount };
      collisionCount++;
    }
  }
}

export async function removeRevisions(
  client: Client,
  surplus: readonly ControllerRevision[],
  signal: AbortSignal,
): Promise<void> {
  for (const { metadata } of surplus) {
    try {
      await client.delete(controllerRevisions, metadata, { preconditions: { uid: metadata.uid } }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }
}

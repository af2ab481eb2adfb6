// What kinds and fields are for, in one short sentence each: the text of `kubectl explain`. Kept apart from the
// definitions, which stay readable that way, and imported only where documents are written.
import { appsDescriptions } from './apps/descriptions.ts';
import { batchDescriptions } from './batch/descriptions.ts';
import { containerDescriptions } from './core/container-descriptions.ts';
import { coreDescriptions } from './core/descriptions.ts';
import { podDescriptions } from './core/pod-descriptions.ts';
import { volumeDescriptions } from './core/volume-descriptions.ts';
import { metaDescriptions } from './meta/descriptions.ts';
import { networkingDescriptions } from './networking/descriptions.ts';
import { otherDescriptions } from './other-descriptions.ts';
import { rbacDescriptions } from './rbac/descriptions.ts';

/** Definition -> field -> text; the empty field is the definition itself. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

const CORE = 'io.k8s.api.core.v1.';
const TEXTS: readonly (readonly [prefix: string, texts: Descriptions])[] = [
  [CORE, coreDescriptions],
  [CORE, podDescriptions],
  [CORE, containerDescriptions],
  [CORE, volumeDescriptions],
  ['io.k8s.api.apps.v1.', appsDescriptions],
  ['io.k8s.api.batch.v1.', batchDescriptions],
  ['io.k8s.api.networking.v1.', networkingDescriptions],
  ['io.k8s.api.rbac.v1.', rbacDescriptions],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.', metaDescriptions],
  ['', otherDescriptions],
];

/** Fields that mean the same wherever they stand. */
const EVERYWHERE: Readonly<Record<string, string>> = {
  apiVersion: 'Group and version of the schema that this object is written in.',
  kind: 'What sort of object this is, in CamelCase.',
  metadata: 'Name, labels and what else all objects have.',
  spec: 'What is wanted.',
  status: 'What is, as the system saw it last; not for people to write.',
  conditions: 'What has been found out about the object, one condition per type.',
  collisionCount: 'How often the hash in a name was taken already and another was made.',
  fsType: 'File system of the volume; the driver chooses when it is unset.',
  lastProbeTime: 'When this was last looked at.',
  lastTransitionTime: 'When the status last changed.',
  lastUpdateTime: 'When the condition was last written.',
  message: 'Details for people.',
  minReadySeconds: 'How long a new pod must have been ready to count as available; 0 by default.',
  observedGeneration: 'The generation of the spec that this status is about.',
  readOnly: 'Mounts it so that nothing can be written.',
  reason: 'Why, in one CamelCase word for programs.',
  revisionHistoryLimit: 'How many old revisions are kept to go back to.',
  secretRef: 'The secret with the credentials.',
};

const texts = new Map(
  TEXTS.flatMap(([prefix, group]) =>
    Object.entries(group).map(([name, fields]) => [`${prefix}${name}`, fields] as const),
  ),
);

export function descriptionOf(definition: string, field = ''): string | undefined {
  const own = texts.get(definition);
  if (own !== undefined && Object.hasOwn(own, field)) return own[field];
  return Object.hasOwn(EVERYWHERE, field) ? EVERYWHERE[field] : undefined;
}

/** For the test that keeps texts and definitions together. */
export function describedDefinitions(): ReadonlyMap<string, Readonly<Record<string, string>>> {
  return texts;
}

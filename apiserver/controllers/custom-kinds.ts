// The kinds that users define, as controllers that look at all kinds need them: known from their definitions, changing
// while everything runs.
import type { Informer } from '../../api/client/informer.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { ObjectSchema } from '../../api/schema/schema.ts';
import type { CustomResourceDefinition } from '../../api/types/apiextensions/custom-resource-definition.ts';
import { ALL_VERBS } from '../../api/types/resource-parts.ts';

type Crd = CustomResourceDefinition;
/** Every version of one kind; the first is the one to list and watch. */
export type KindVersions = readonly ResourceDefinition[];
export type KindListener = (now: KindVersions, before: KindVersions) => void;

const NONE: KindVersions = [];
/** Clients read and write whole objects, whatever is in them. */
const ANYTHING: ObjectSchema<KubeObject> = { kind: 'object', custom: true, preserveUnknown: true, fields: {} };

export class CustomKinds {
  readonly #known = new Map<string, { readonly mark: string; readonly kinds: KindVersions }>();
  readonly #listeners: KindListener[] = [];

  constructor(definitions: Informer<Crd>) {
    definitions.onChange((name, crd) => this.#look(name, crd));
  }

  /** One version of each kind. */
  *all(): Generator<ResourceDefinition> {
    for (const { kinds } of this.#known.values()) if (kinds[0] !== undefined) yield kinds[0];
  }

  /** Called for every change, and for every kind known now. */
  onChange(listener: KindListener): void {
    this.#listeners.push(listener);
    for (const { kinds } of this.#known.values()) listener(kinds, NONE);
  }

  #look(name: string, crd: Crd | undefined): void {
    const before = this.#known.get(name);
    const kinds = crd === undefined ? NONE : kindVersions(crd);
    const mark = JSON.stringify([crd?.metadata.uid, kinds]);
    if (mark === before?.mark) return;
    if (crd === undefined) this.#known.delete(name);
    else this.#known.set(name, { mark, kinds });
    for (const listener of this.#listeners) listener(kinds, before?.kinds ?? NONE);
  }
}

/** Empty until the definition is established. */
export function kindVersions({ spec, status }: Crd): KindVersions {
  const names = status.acceptedNames;
  const isEstablished = status.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  if (!isEstablished || names === undefined) return NONE;
  const { plural, singular = '', kind, listKind = `${kind}List` } = names;
  const served = (spec.versions ?? []).filter((version) => version.served);
  const inOrder = [...served.filter(({ storage }) => storage), ...served.filter(({ storage }) => !storage)];
  return inOrder.map((version) => ({
    group: spec.group,
    version: version.name,
    kind,
    listKind,
    plural,
    singular,
    namespaced: spec.scope === 'Namespaced',
    verbs: ALL_VERBS,
    schema: ANYTHING,
    subresources: {},
    columns: [],
  }));
}

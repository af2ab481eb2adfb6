// What is served beside the built-in kinds: follows the definitions in the cache and keeps the registry's table as they
// say. Only this touches the table; who settles names and conditions is crd-controller.ts.
import type { ResourceDefinition } from '../../api/resource.ts';
import type { CustomResourceDefinition } from '../../api/types/apiextensions/custom-resource-definition.ts';
import { customResourceDefinitions } from '../../api/types/apiextensions/resources.ts';
import type { Registry } from '../registry/registry.ts';
import { isTrue } from './crd-naming.ts';
import { customVersions, isLeaving } from './custom-definition.ts';

type Crd = CustomResourceDefinition;

interface Serving {
  /** What of the definition decides how it is served. */
  readonly mark: string;
  readonly definitions: readonly ResourceDefinition[];
}

export class CustomResources {
  readonly #registry: Registry;
  readonly #serving = new Map<string, Serving>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Serves what there is, at once, and whatever changes until the signal aborts. */
  follow(signal: AbortSignal): void {
    const crds = this.#registry.objects(customResourceDefinitions);
    const { cache } = this.#registry.storeOf(customResourceDefinitions as unknown as ResourceDefinition);
    const { revision } = cache;
    const gone = new Set(this.#serving.keys());
    for (const crd of crds.list()) {
      gone.delete(crd.metadata.name);
      this.look(crd);
    }
    for (const name of gone) this.#withdraw(name);
    const closed = () => {
      // The cache begins anew, and so does this.
      if (!signal.aborted) {
        void cache.ready(signal).then(
          () => this.follow(signal),
          () => undefined,
        );
      }
    };
    const event = ({ type, object }: { type: string; object: { name: string; decoded(): unknown } }) => {
      if (type === 'DELETED') this.#withdraw(object.name);
      else this.look(object.decoded() as Crd);
    };
    cache.watch({ afterRevision: revision }, { event, progress: () => {}, closed }, signal);
  }

  /** Serves a definition as it says now. Does nothing when that is how it is served. */
  look(crd: Crd): void {
    const { name } = crd.metadata;
    if (!isTrue(crd, 'Established')) {
      this.#withdraw(name);
      return;
    }
    const mark = markOf(crd);
    const before = this.#serving.get(name);
    if (before?.mark === mark) return;
    const versions = customVersions(crd);
    const now = new Set(versions.map(({ definition }) => definition.version));
    for (const { definition, strategy } of versions) {
      if (!this.#isBuiltIn(definition, before)) this.#registry.serve(definition, strategy);
    }
    for (const old of before?.definitions ?? []) if (!now.has(old.version)) this.#registry.withdraw(old);
    this.#serving.set(name, { mark, definitions: versions.map(({ definition }) => definition) });
  }

  /** Resolves when what is served of this definition can be read. */
  async ready(name: string, signal: AbortSignal): Promise<void> {
    const served = this.#serving.get(name)?.definitions ?? [];
    await Promise.all(served.map((definition) => this.#registry.storeOf(definition).cache.ready(signal)));
  }

  /** Any version of it that is served. */
  definitionOf(name: string): ResourceDefinition | undefined {
    return this.#serving.get(name)?.definitions[0];
  }

  #withdraw(name: string): void {
    const served = this.#serving.get(name);
    if (served === undefined) return;
    this.#serving.delete(name);
    for (const definition of served.definitions) this.#registry.withdraw(definition);
  }

  /** Nobody takes the place of what is always there. */
  #isBuiltIn({ group, plural, version }: ResourceDefinition, before: Serving | undefined): boolean {
    const found = this.#registry.find(group, plural, version);
    return found !== undefined && found.schema.custom !== true && !before?.definitions.includes(found);
  }
}

function markOf(crd: Crd): string {
  const { metadata, spec, status } = crd;
  return JSON.stringify([metadata.uid, spec, status.acceptedNames, isLeaving(crd)]);
}

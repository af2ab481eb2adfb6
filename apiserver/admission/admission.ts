// Admission: what a write must pass between authorization and the store. A plugin is data: which resources and
// operations it looks at, and two optional functions; `admit` may change the object, `validate` may only refuse it.
import type { ResourceDefinition } from '../../api/resource.ts';
import { groupResource } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { ApiRequest, UserInfo } from '../registry/request.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface Attributes<T extends KubeObject = KubeObject> {
  readonly operation: Operation;
  readonly resource: ResourceDefinition;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** What is written; plugins change it in place. Absent for DELETE. */
  readonly object?: T;
  readonly old?: T;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly request: ApiRequest;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** 'pods', 'deployments.apps'; everything when absent. */
  readonly resources?: readonly string[];
  readonly operations: readonly Operation[];
  /** '' is the resource itself. Only the resource itself when absent; '*' for all. */
  readonly subresources?: readonly string[];
  admit?(attributes: Attributes, registry: RegistryContext): void | Promise<void>;
  validate?(attributes: Attributes, registry: RegistryContext): void | Promise<void>;
}

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  /** Who is asked of which writes: the same for all writes of a kind. */
  readonly #asked = new WeakMap<ResourceDefinition, Map<string, readonly AdmissionPlugin[]>>();
  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  async admit(attributes: Attributes, registry: RegistryContext): Promise<void> {
    for (const plugin of this.#for(attributes)) {
      const admitted = plugin.admit?.(attributes, registry);
      if (admitted !== undefined) await admitted;
    }
  }

  async validate(attributes: Attributes, registry: RegistryContext): Promise<void> {
    for (const plugin of this.#for(attributes)) {
      const validated = plugin.validate?.(attributes, registry);
      if (validated !== undefined) await validated;
    }
  }

  #for({ resource, subresource, operation }: Attributes): readonly AdmissionPlugin[] {
    const writes = this.#asked.get(resource) ?? new Map<string, readonly AdmissionPlugin[]>();
    this.#asked.set(resource, writes);
    const write = `${operation}/${subresource}`;
    const asked = writes.get(write) ?? this.#concernedBy(groupResource(resource), subresource, operation);
    writes.set(write, asked);
    return asked;
  }

  #concernedBy(name: string, subresource: string, operation: Operation): readonly AdmissionPlugin[] {
    return this.#plugins.filter(
      ({ resources, operations, subresources = [''] }) =>
        operations.includes(operation) &&
        (resources === undefined || resources.includes(name)) &&
        (subresources.includes('*') || subresources.includes(subresource)),
    );
  }
}

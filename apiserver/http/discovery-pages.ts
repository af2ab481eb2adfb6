// Discovery and OpenAPI documents for what the registry serves now: made anew when the table changes.
import type { GroupDefinition } from '../../api/types/resources.ts';
import { byVersion } from '../extensions/versions.ts';
import type { Registry } from '../registry/registry.ts';
import type { Answer, Req } from './answer.ts';
import type { ServedGroup } from './discovery.ts';
import { Discovery, type DiscoveryTarget } from './discovery-answer.ts';
import { OpenApi } from './openapi.ts';

interface Documents {
  readonly generation: number;
  readonly discovery: Discovery;
  readonly openapi: OpenApi;
}

const INFO = { title: 'Kubernetes', version: 'v1.36.2' };

export class DiscoveryPages {
  readonly #registry: Registry;
  readonly #groups: readonly GroupDefinition[];
  readonly #serverAddress: string;
  #documents: Documents | undefined;

  constructor(registry: Registry, groups: readonly GroupDefinition[], serverAddress: string) {
    this.#registry = registry;
    this.#groups = groups;
    this.#serverAddress = serverAddress;
  }

  discovery(target: DiscoveryTarget, req: Req): Answer | undefined {
    return this.#now().discovery.answer(target, req.headers.accept);
  }

  openapiV2(query: URLSearchParams, req: Req): Promise<Answer> {
    return this.#now().openapi.v2(documentRequest(query, req));
  }

  openapiV3Index(): Promise<Answer> {
    return this.#now().openapi.v3Index();
  }

  openapiV3(path: string, query: URLSearchParams, req: Req): Promise<Answer | undefined> {
    return this.#now().openapi.v3(path.slice('/openapi/v3/'.length), documentRequest(query, req));
  }

  #now(): Documents {
    const { generation, definitions } = this.#registry;
    if (this.#documents?.generation === generation) return this.#documents;
    const serving = { resources: definitions, groups: this.#served(), serverAddress: this.#serverAddress };
    const openapi = new OpenApi(definitions, INFO, this.#documents?.openapi);
    this.#documents = { generation, discovery: new Discovery(serving), openapi };
    return this.#documents;
  }

  /** Built-in groups in their order, then the groups of custom resources by name. */
  #served(): ServedGroup[] {
    const known = new Set(this.#groups.map(({ group }) => group));
    const others = new Map<string, Set<string>>();
    for (const { group, version } of this.#registry.definitions) {
      if (known.has(group)) continue;
      others.set(group, (others.get(group) ?? new Set<string>()).add(version));
    }
    const custom = [...others].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      ...this.#groups,
      ...custom.map(([group, versions]) => ({ group, versions: [...versions].sort(byVersion) })),
    ];
  }
}

function documentRequest(query: URLSearchParams, req: Req) {
  const ifNoneMatch = req.headers['if-none-match'];
  return { accept: req.headers.accept, ifNoneMatch, hash: query.get('hash') ?? undefined };
}

// A node may do what its role says, about itself, and read of the rest only what the pods bound to it need. So a
// stolen node does not give away the secrets of others.
import { LOCAL_DIR, PROVISIONED_BY } from '../../api/local-dir.ts';
import { matchesTerms } from '../../api/node-selector.ts';
import { parseKey, type ResourceDefinition } from '../../api/resource.ts';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { nodes, pods } from '../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/types/core/storage-resources.ts';
import { volumeAttachments } from '../../api/types/storage/resources.ts';
import type { CachedObject } from '../cache/contract.ts';
import type { Registry } from '../registry/registry.ts';
import type { UserInfo } from '../registry/request.ts';
import type { Access, Authorizer, Decision, ResourceRule } from './authorizer.ts';
import { componentRoles } from './component-roles.ts';
import { referencesOf, secretsOf } from './node-references.ts';
import { allows } from './rules.ts';

const GROUP = 'system:nodes';
const USER = 'system:node:';
const RULES = componentRoles['system:node']!;
const LEASES = 'kube-node-lease';

/** Only what the node's pods refer to, and only by name. */
const REFERRED = new Set(['secrets', 'configmaps', 'persistentvolumeclaims', 'resourceclaims']);
/** Only the object that bears the node's name; making one of its own is left to admission to check. */
const OWN_NAME = new Set(['nodes', 'csinodes']);
const CLAIMS = 'persistentvolumeclaims ';
const READING = new Set(['get', 'list', 'watch']);

/** The node that a user is; undefined for everybody else. */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  return groups.includes(GROUP) && name.startsWith(USER) ? name.slice(USER.length) : undefined;
}

export class NodeAuthorizer implements Authorizer {
  readonly #registry: () => Registry;
  /** By node, by pod. */
  readonly #references = new Map<string, Map<string, Set<string>>>();

  constructor(registry: () => Registry) {
    this.#registry = registry;
  }

  /** Keeps track of which pods are bound to which node. */
  follow(signal: AbortSignal): void {
    const { cache } = this.#registry().storeOf(pods as unknown as ResourceDefinition);
    this.#references.clear();
    for (const object of cache.snapshot().objects()) this.#bind(object);
    const closed = () => {
      if (!signal.aborted)
        void cache.ready(signal).then(
          () => this.follow(signal),
          () => undefined,
        );
    };
    const event = ({ type, object, previous }: { type: string; object: CachedObject; previous?: CachedObject }) => {
      if (previous !== undefined) this.#references.get(nodeOf(previous))?.delete(previous.key);
      if (type !== 'DELETED') this.#bind(object);
      if (previous !== undefined && this.#references.get(nodeOf(previous))?.size === 0)
        this.#references.delete(nodeOf(previous));
    };
    cache.watch({ afterRevision: cache.revision }, { event, progress: () => {}, closed }, signal);
  }

  authorize(access: Access): Decision {
    const node = nodeNameOf(access.user);
    if (node === undefined || access.path !== undefined) return { answer: 'abstain' };
    if (!RULES.some((rule) => allows(rule, access))) return { answer: 'abstain' };
    const refusal = this.#refusal(access, node);
    return refusal === undefined ? { answer: 'allow' } : { answer: 'abstain', reason: refusal };
  }

  *rulesOf(): Iterable<ResourceRule> {
    // What a node may do depends on its pods and cannot be said as rules.
  }

  #refusal(access: Access, node: string): string | undefined {
    const { resource, subresource, verb, name, namespace } = access;
    const unrelated = `no relationship found between node '${node}' and this object`;
    if (resource === 'resourceslices' && access.fields?.['spec.nodeName'] !== node) {
      return `can only ${verb} resourceslices with spec.nodeName field selector`;
    }
    if (resource === 'pods' && READING.has(verb) && access.fields?.['spec.nodeName'] !== node) {
      if (name === '') return `can only ${verb} pods with spec.nodeName field selector`;
      if (!this.#refers(node, `pods ${namespace}/${name}`)) return unrelated;
    }
    if (resource === 'nodes' && verb === 'get' && name !== node) {
      return `node '${node}' cannot read '${name}', only its own Node object`;
    }
    const isOwn = OWN_NAME.has(resource) && !READING.has(verb);
    if (isOwn && name !== '' && name !== node) return `node '${node}' cannot ${verb} ${resource} '${name}'`;
    if (resource === 'leases' && (namespace !== LEASES || (name !== '' && name !== node))) {
      return `can only access node lease with the same name as the requesting node`;
    }
    if (REFERRED.has(resource)) {
      if (name === '') return 'No Object name found';
      if (this.#refers(node, `${resource} ${namespace}/${name}`)) return undefined;
      return resource === 'secrets' && this.#mountsWith(node, namespace, name) ? undefined : unrelated;
    }
    if (resource === 'persistentvolumes') {
      if (name === '') return 'No Object name found';
      const volume = this.#registry().objects(persistentVolumes).get('', name);
      return this.#mounts(node, volume) || this.#hasMade(node, volume) ? undefined : unrelated;
    }
    if (resource === 'volumeattachments') {
      if (name === '') return 'No Object name found';
      const attachment = this.#registry().objects(volumeAttachments).get('', name);
      return attachment?.spec.nodeName === node ? undefined : unrelated;
    }
    if (resource === 'serviceaccounts') {
      return this.#refers(node, `serviceaccounts ${namespace}/${name}`) ? undefined : unrelated;
    }
    // Mirrors of static pods are made by the node; admission checks that they are bound to it.
    const writesPod = resource === 'pods' && !READING.has(verb) && !(verb === 'create' && subresource === '');
    if (writesPod) return this.#refers(node, `pods ${namespace}/${name}`) ? undefined : unrelated;
    return undefined;
  }

  #refers(node: string, reference: string): boolean {
    for (const references of this.#references.get(node)?.values() ?? []) if (references.has(reference)) return true;
    return false;
  }

  /** A volume is the node's business when a pod there uses the claim that has it. */
  #mounts(node: string, volume: PersistentVolume | undefined): boolean {
    const claim = volume?.spec.claimRef;
    return claim !== undefined && this.#refers(node, `persistentvolumeclaims ${claim.namespace}/${claim.name}`);
  }

  /** Nor does it cease to be when no pod uses it: the node removes the directory it made, once it is released. */
  #hasMade(name: string, volume: PersistentVolume | undefined): boolean {
    if (volume?.metadata.annotations?.[PROVISIONED_BY] !== LOCAL_DIR) return false;
    const node = this.#registry().objects(nodes).get('', name);
    const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms;
    return node !== undefined && terms !== undefined && matchesTerms(terms, node.metadata);
  }

  /** Whether a volume that is mounted there names the secret. */
  #mountsWith(node: string, namespace: string, name: string): boolean {
    const secret = `${namespace}/${name}`;
    const registry = this.#registry();
    for (const references of this.#references.get(node)?.values() ?? []) {
      for (const reference of references) {
        if (!reference.startsWith(CLAIMS)) continue;
        const claim = parseKey(reference.slice(CLAIMS.length));
        const bound = registry.objects(persistentVolumeClaims).get(claim.namespace ?? '', claim.name)?.spec.volumeName;
        const volume = bound ? registry.objects(persistentVolumes).get('', bound) : undefined;
        if (volume !== undefined && this.#mounts(node, volume) && secretsOf(volume).has(secret)) return true;
      }
    }
    return false;
  }

  #bind(object: CachedObject): void {
    const node = nodeOf(object);
    if (node === '') return;
    const bound = this.#references.get(node) ?? new Map<string, Set<string>>();
    this.#references.set(node, bound.set(object.key, referencesOf(object.decoded() as Pod)));
  }
}

function nodeOf({ fields }: CachedObject): string {
  return fields['spec.nodeName'] ?? '';
}

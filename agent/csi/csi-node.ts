// What the API is told of the drivers of this node: the CSINode object (who is here, under which id, where, how many
// volumes it takes), an annotation with the ids and labels with the topology on the Node. Decisions are pure.
import type { Client } from '../../api/client/client.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { Node } from '../../api/types/core/node.ts';
import { nodes } from '../../api/types/core/resources.ts';
import type { CSINode, CSINodeDriver } from '../../api/types/storage/csi.ts';
import { csiNodes } from '../../api/types/storage/resources.ts';
import type { NodeInfo } from './csi-types.ts';

const NODE_IDS = 'csi.volume.kubernetes.io/nodeid';
/** Upstream's words for volumes that no driver of the cluster needs to take over here. */
const MIGRATED = 'storage.alpha.kubernetes.io/migrated-plugins';

export function driverEntry(name: string, { nodeId, maxVolumes, topology }: NodeInfo): CSINodeDriver {
  return {
    name,
    nodeID: nodeId,
    topologyKeys: Object.keys(topology).sort(),
    ...(maxVolumes > 0 && { allocatable: { count: Math.min(maxVolumes, 2 ** 31 - 1) } }),
  };
}

export function withDriver(drivers: readonly CSINodeDriver[], entry: CSINodeDriver): CSINodeDriver[] {
  return [...drivers.filter(({ name }) => name !== entry.name), entry];
}

export function saysTheSame(a: CSINodeDriver | undefined, b: CSINodeDriver): boolean {
  const parts = (entry: CSINodeDriver | undefined) => [
    entry?.nodeID,
    entry?.topologyKeys ?? [],
    entry?.allocatable?.count ?? 0,
  ];
  return JSON.stringify(parts(a)) === JSON.stringify(parts(b));
}

export interface NodePatch {
  readonly annotations?: Record<string, string | null>;
  readonly labels?: Record<string, string>;
}

/** What is to change on the Node for a driver that comes (`info`) or goes; undefined if nothing. */
export function nodePatch(node: Node, driver: string, info: NodeInfo | undefined): NodePatch | undefined {
  const { annotations = {}, labels = {} } = node.metadata;
  const ids = parseIds(annotations[NODE_IDS]);
  if (info === undefined) {
    if (!ids.has(driver)) return undefined;
    ids.delete(driver);
    return { annotations: { [NODE_IDS]: ids.size === 0 ? null : JSON.stringify(Object.fromEntries(ids)) } };
  }
  for (const [key, value] of Object.entries(info.topology)) {
    const had = labels[key];
    if (had === undefined || had === value) continue;
    throw new Error(
      `detected topology value collision: driver reported "${key}":"${value}" but existing label is "${key}":"${had}"`,
    );
  }
  const added = Object.entries(info.topology).filter(([key]) => labels[key] === undefined);
  const isKnown = ids.get(driver) === info.nodeId;
  if (isKnown && added.length === 0) return undefined;
  ids.set(driver, info.nodeId);
  return {
    annotations: { [NODE_IDS]: JSON.stringify(Object.fromEntries(ids)) },
    ...(added.length > 0 && { labels: Object.fromEntries(added) }),
  };
}

function parseIds(text: string | undefined): Map<string, string> {
  try {
    return new Map(Object.entries(JSON.parse(text ?? '{}') as Record<string, string>));
  } catch {
    return new Map(); // somebody else's writing: begun anew
  }
}

export class CsiNodeObject {
  readonly #name: string;
  readonly #client: Client;

  constructor(name: string, client: Client) {
    this.#name = name;
    this.#client = client;
  }

  async add(driver: string, info: NodeInfo, signal: AbortSignal): Promise<void> {
    await this.#changeNode(driver, info, signal);
    const entry = driverEntry(driver, info);
    const object = await this.ensure(signal);
    const { drivers } = object.spec;
    if (
      saysTheSame(
        drivers?.find(({ name }) => name === driver),
        entry,
      )
    )
      return;
    // What is known of a driver cannot be changed, only taken back and told anew.
    if (drivers?.some(({ name }) => name === driver)) {
      await this.#write(
        object,
        drivers.filter(({ name }) => name !== driver),
        signal,
      );
      return this.add(driver, info, signal);
    }
    await this.#write(object, withDriver(drivers ?? [], entry), signal);
  }

  async remove(driver: string, signal: AbortSignal): Promise<void> {
    const object = await this.#client.get(csiNodes, { name: this.#name }, {}, signal).catch((err) => {
      if (isNotFound(err)) return undefined;
      throw err;
    });
    if (object?.spec.drivers?.some(({ name }) => name === driver)) {
      await this.#write(
        object,
        object.spec.drivers.filter(({ name }) => name !== driver),
        signal,
      );
    }
    await this.#changeNode(driver, undefined, signal);
  }

  /** It is there also without any driver: that tells the scheduler that this node would say. */
  async ensure(signal: AbortSignal): Promise<CSINode> {
    const name = this.#name;
    try {
      return await this.#client.get(csiNodes, { name }, {}, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    const { metadata } = await this.#client.get(nodes, { name }, {}, signal);
    const owner = { apiVersion: 'v1', kind: 'Node', name, uid: metadata.uid };
    try {
      const fresh = {
        metadata: { name, annotations: { [MIGRATED]: '' }, ownerReferences: [owner] },
        spec: { drivers: [] },
      };
      return await this.#client.create(csiNodes, fresh, {}, signal);
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
      return this.#client.get(csiNodes, { name }, {}, signal);
    }
  }

  async #write(object: CSINode, drivers: CSINodeDriver[], signal: AbortSignal): Promise<void> {
    await this.#client.update(csiNodes, { ...object, spec: { ...object.spec, drivers } }, {}, signal);
  }

  async #changeNode(driver: string, info: NodeInfo | undefined, signal: AbortSignal): Promise<void> {
    const key = { name: this.#name };
    const node = await this.#client.get(nodes, key, {}, signal);
    const metadata = nodePatch(node, driver, info);
    if (metadata === undefined) return;
    // The ids of all drivers are one value: whoever changed it meanwhile is not overwritten.
    const { resourceVersion } = node.metadata;
    await this.#client.patch(
      nodes,
      key,
      { type: 'merge', body: { metadata: { ...metadata, resourceVersion } } },
      {},
      signal,
    );
  }
}

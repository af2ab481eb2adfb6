// What a driver brings along in a cluster and Kubernetes itself does not have: the attacher answers VolumeAttachments,
// the provisioner claims of its classes, the resizer claims that want more. Run by the test process, level by level:
// every round compares what the API has with what is to be.
import { setTimeout as pause } from 'node:timers/promises';
import { Client, credentials, type ServiceDefinition } from '@grpc/grpc-js';
import { load } from '@grpc/proto-loader';
import { assetPath } from '../../../api/assets.ts';
import { compareQuantities, quantityValue } from '../../../api/quantity.ts';
import type { Node } from '../../../api/types/core/node.ts';
import type { PersistentVolume } from '../../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import type { CSINode } from '../../../api/types/storage/csi.ts';
import type { StorageClass } from '../../../api/types/storage/storage-class.ts';
import type { VolumeAttachment } from '../../../api/types/storage/volume-attachment.ts';
import type { ApiAccess } from '../harness/api-access.ts';

const ROUND_MS = 60;
const STORAGE = '/apis/storage.k8s.io/v1';
const MERGE = 'application/merge-patch+json';
const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

type Body = Record<string, unknown>;

export interface SidecarOptions {
  readonly api: ApiAccess;
  readonly driver: { readonly name: string; readonly socket: string };
  /** Which of them run; all if not said. */
  readonly roles?: readonly ('attacher' | 'provisioner' | 'resizer')[];
}

export class Sidecars implements AsyncDisposable {
  readonly #api: ApiAccess;
  readonly #driver: SidecarOptions['driver'];
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  /** The last thing that went wrong: what a test prints when it waits in vain. */
  problem: unknown;

  constructor({ api, driver, roles = ['attacher', 'provisioner', 'resizer'] }: SidecarOptions) {
    this.#api = api;
    this.#driver = driver;
    const rounds = {
      attacher: () => this.#attach(),
      provisioner: () => this.#provision(),
      resizer: () => this.#resize(),
    };
    this.#loop = this.#run(roles.map((role) => rounds[role]));
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(rounds: (() => Promise<void>)[]): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      for (const round of rounds) {
        await round().catch((err) => {
          this.problem = err; // the API or the driver is away: the next round
        });
      }
      await pause(ROUND_MS, undefined, { signal, ref: false }).catch(() => {}); // woken early only to end
    }
  }

  async #attach(): Promise<void> {
    const mine = `external-attacher/${this.#driver.name.replaceAll('.', '-')}`;
    for (const attachment of await this.#list<VolumeAttachment>(`${STORAGE}/volumeattachments`)) {
      const { metadata, spec, status } = attachment;
      if (spec.attacher !== this.#driver.name) continue;
      const path = `${STORAGE}/volumeattachments/${metadata.name}`;
      const { finalizers = [] } = metadata;
      const volume = await this.#volume(spec.source.persistentVolumeName ?? '');
      const volumeId = volume?.spec.csi?.volumeHandle ?? '';
      if (metadata.deletionTimestamp !== undefined) {
        if (!finalizers.includes(mine)) continue;
        await this.#ask('ControllerUnpublishVolume', { volumeId, nodeId: await this.#nodeId(spec.nodeName) });
        await this.#patch(path, { metadata: { finalizers: finalizers.filter((each) => each !== mine) } });
        continue;
      }
      if (status?.attached) continue;
      if (!finalizers.includes(mine)) await this.#patch(path, { metadata: { finalizers: [...finalizers, mine] } });
      try {
        const { publishContext } = await this.#ask<{ publishContext: Body }>('ControllerPublishVolume', {
          volumeId,
          nodeId: await this.#nodeId(spec.nodeName),
          volumeContext: volume?.spec.csi?.volumeAttributes ?? {},
          volumeCapability: capability(volume),
        });
        await this.#patch(`${path}/status`, {
          status: { attached: true, attachmentMetadata: publishContext, attachError: null },
        });
      } catch (err) {
        const message = err instanceof Error ? err.message : String(err);
        await this.#patch(`${path}/status`, {
          status: { attached: false, attachError: { message, time: new Date().toISOString() } },
        });
        throw err;
      }
    }
  }

  async #provision(): Promise<void> {
    for (const claim of await this.#list<PersistentVolumeClaim>('/api/v1/persistentvolumeclaims')) {
      const { metadata, spec } = claim;
      const { annotations = {} } = metadata;
      if (spec.volumeName || annotations[PROVISIONER] !== this.#driver.name) continue;
      const { body, status } = await this.#api.call('GET', `${STORAGE}/storageclasses/${spec.storageClassName}`);
      if (status !== 200) continue;
      const cls = body as StorageClass;
      const node = annotations[SELECTED_NODE];
      if (cls.volumeBindingMode === 'WaitForFirstConsumer' && node === undefined) continue;
      await this.#make(claim, cls, node);
    }
    for (const volume of await this.#list<PersistentVolume>('/api/v1/persistentvolumes')) {
      const { metadata, spec, status } = volume;
      if (spec.csi?.driver !== this.#driver.name || status.phase !== 'Released') continue;
      if (spec.persistentVolumeReclaimPolicy !== 'Delete') continue;
      await this.#ask('DeleteVolume', { volumeId: spec.csi.volumeHandle });
      await this.#api.call('DELETE', `/api/v1/persistentvolumes/${metadata.name}`);
    }
  }

  async #make({ metadata, spec }: PersistentVolumeClaim, cls: StorageClass, node: string | undefined): Promise<void> {
    const name = `pvc-${metadata.uid}`;
    const { fsType, parameters } = ownParameters(cls.parameters ?? {});
    const segments = node === undefined ? undefined : await this.#topology(node);
    const block = spec.volumeMode === 'Block';
    const accessModes = spec.accessModes ?? [];
    type Made = { volume: { volumeId: string; capacityBytes: string; volumeContext: Body; accessibleTopology: [] } };
    const { volume } = await this.#ask<Made>('CreateVolume', {
      name,
      parameters,
      capacityRange: { requiredBytes: quantityValue(spec.resources?.requests?.['storage'] ?? '0') },
      volumeCapabilities: [{ ...(block ? { block: {} } : { mount: { fsType } }), accessMode: { mode: 1 } }],
      ...(segments !== undefined && { accessibilityRequirements: { preferred: [{ segments }] } }),
    });
    const terms = (volume.accessibleTopology as { segments: Record<string, string> }[]).map((each) => ({
      matchExpressions: Object.entries(each.segments).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
    }));
    const answer = await this.#api.call('POST', '/api/v1/persistentvolumes', {
      metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': this.#driver.name } },
      spec: {
        accessModes,
        capacity: { storage: volume.capacityBytes },
        storageClassName: spec.storageClassName,
        persistentVolumeReclaimPolicy: cls.reclaimPolicy ?? 'Delete',
        mountOptions: cls.mountOptions,
        volumeMode: spec.volumeMode ?? 'Filesystem',
        claimRef: {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          name: metadata.name,
          namespace: metadata.namespace,
          uid: metadata.uid,
          resourceVersion: metadata.resourceVersion,
        },
        csi: {
          driver: this.#driver.name,
          volumeHandle: volume.volumeId,
          volumeAttributes: volume.volumeContext,
          ...(!block && fsType !== '' && { fsType }),
        },
        ...(terms.length > 0 && { nodeAffinity: { required: { nodeSelectorTerms: terms } } }),
      },
    });
    if (answer.status >= 300 && answer.status !== 409) throw new Error(JSON.stringify(answer.body));
  }

  async #resize(): Promise<void> {
    for (const claim of await this.#list<PersistentVolumeClaim>('/api/v1/persistentvolumeclaims')) {
      const { metadata, spec, status } = claim;
      const wants = spec.resources?.requests?.['storage'] ?? '0';
      if (!spec.volumeName || status.phase !== 'Bound') continue;
      const volume = await this.#volume(spec.volumeName);
      if (volume?.spec.csi?.driver !== this.#driver.name) continue;
      if (compareQuantities(volume.spec.capacity?.['storage'] ?? '0', wants) >= 0) continue;
      type Grown = { capacityBytes: string; nodeExpansionRequired: boolean };
      const grown = await this.#ask<Grown>('ControllerExpandVolume', {
        volumeId: volume.spec.csi.volumeHandle,
        capacityRange: { requiredBytes: quantityValue(wants) },
      });
      const path = `/api/v1/namespaces/${metadata.namespace}/persistentvolumeclaims/${metadata.name}/status`;
      const pending = {
        type: 'FileSystemResizePending',
        status: 'True',
        lastTransitionTime: new Date().toISOString(),
        message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
      };
      // The volume first: with its capacity the node knows what to grow to.
      await this.#patch(`/api/v1/persistentvolumes/${volume.metadata.name}`, {
        spec: { capacity: { storage: grown.capacityBytes } },
      });
      await this.#patch(path, {
        status: grown.nodeExpansionRequired
          ? {
              conditions: [pending],
              allocatedResources: { storage: wants },
              allocatedResourceStatuses: { storage: 'NodeResizePending' },
            }
          : { capacity: { storage: grown.capacityBytes } },
      });
    }
  }

  async #ask<Res>(method: string, request: object): Promise<Res> {
    const definition = await load(assetPath('proto/csi.proto'), { longs: String, enums: String, defaults: true });
    const rpc = (definition['csi.v1.Controller'] as unknown as ServiceDefinition)[method]!;
    const client = new Client(`unix://${this.#driver.socket}`, credentials.createInsecure());
    try {
      return await new Promise<Res>((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = rpc;
        const deadline = new Date(Date.now() + 10_000);
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (err, answer) =>
          err ? reject(err) : resolve(answer as Res),
        );
      });
    } finally {
      client.close();
    }
  }

  async #list<T>(path: string): Promise<T[]> {
    return (await this.#api.get<{ items: T[] }>(path)).items;
  }

  async #volume(name: string): Promise<PersistentVolume | undefined> {
    const { status, body } = await this.#api.call('GET', `/api/v1/persistentvolumes/${name}`);
    return status === 200 ? (body as PersistentVolume) : undefined;
  }

  async #nodeId(node: string): Promise<string> {
    const { spec } = await this.#api.get<CSINode>(`${STORAGE}/csinodes/${node}`);
    const found = spec.drivers?.find(({ name }) => name === this.#driver.name);
    if (found === undefined) throw new Error(`driver ${this.#driver.name} is not on node ${node}`);
    return found.nodeID;
  }

  async #topology(node: string): Promise<Record<string, string> | undefined> {
    const { spec } = await this.#api.get<CSINode>(`${STORAGE}/csinodes/${node}`);
    const keys = spec.drivers?.find(({ name }) => name === this.#driver.name)?.topologyKeys ?? [];
    const { metadata } = await this.#api.get<Node>(`/api/v1/nodes/${node}`);
    const segments = keys.flatMap((key) => {
      const value = metadata.labels?.[key];
      return value === undefined ? [] : [[key, value] as const];
    });
    return segments.length === 0 ? undefined : Object.fromEntries(segments);
  }

  async #patch(path: string, body: object): Promise<void> {
    const answer = await this.#api.call('PATCH', path, body, MERGE);
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  }
}

function capability(volume: PersistentVolume | undefined): object {
  const fsType = volume?.spec.csi?.fsType ?? '';
  return {
    ...(volume?.spec.volumeMode === 'Block' ? { block: {} } : { mount: { fsType } }),
    accessMode: { mode: 'SINGLE_NODE_WRITER' },
  };
}

/** Parameters with this prefix are the provisioner's own. */
function ownParameters(all: Readonly<Record<string, string>>): { fsType: string; parameters: Record<string, string> } {
  const PREFIX = 'csi.storage.k8s.io/';
  const parameters = Object.fromEntries(Object.entries(all).filter(([key]) => !key.startsWith(PREFIX)));
  return { fsType: all[`${PREFIX}fstype`] ?? '', parameters };
}

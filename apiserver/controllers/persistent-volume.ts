// Claims and the volumes that serve them: each binding is two writes, the volume's first; a crash in between is
// finished by the next pass, for the volume then names the claim.

import { on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { LOCAL_DIR } from '../../api/local-dir.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { nodes, pods } from '../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/types/core/storage-resources.ts';
import { storageClasses } from '../../api/types/storage/resources.ts';
import type { StorageClass } from '../../api/types/storage/storage-class.ts';
import { claimsOf } from './claims-of-pod.ts';
import type { Controller } from './deps.ts';
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  classOf,
  decideClaim,
  decideVolume,
  hasClass,
  localDirectory,
  PROVISIONERS,
  type VolumePhase,
} from './persistent-volume-decide.ts';
import { isFinished } from './pod-facts.ts';

/** Of either kind of key. */
const CLAIM = 'claim:';
const VOLUME = 'volume:';

export const persistentVolumeController: Controller = ({ client, informers, recorder, clock, log }) => {
  const claims = informers.of(persistentVolumeClaims);
  const volumes = informers.of(persistentVolumes);
  const classes = informers.of(storageClasses);
  const nodesHere = informers.of(nodes);
  const podsHere = informers.of(pods);
  /** What was said of a claim or a volume last: said again only when it is something else. */
  const told = new Map<string, string>();

  function tell(about: PersistentVolume | PersistentVolumeClaim, event: EventText | undefined): void {
    const { uid } = about.metadata;
    const text = event === undefined ? '' : `${event.reason} ${event.message}`;
    if ((told.get(uid) ?? '') === text) return;
    if (event === undefined) told.delete(uid);
    else told.set(uid, text);
    if (event !== undefined) recorder.event(about, event.type, event.reason, event.message);
  }
  type EventText = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };

  async function reconcileClaim(key: string, signal: AbortSignal): Promise<Next> {
    const claim = claims.get(key);
    if (claim === undefined) return AT_REST;
    const view = {
      volumes: volumes.list(),
      volume: (name: string) => volumes.get(name),
      storageClass: (name: string) => classes.get(name),
      classes: classes.list(),
      waitingPods: unplacedUsers,
    };
    const action = decideClaim(claim, view);
    switch (action.do) {
      case 'bind':
        tell(claim, undefined);
        await bind(claim, action.volume, action.chosen, signal);
        return AT_REST;
      case 'askFor':
        tell(claim, action.event);
        await askFor(claim, action.provisioner, signal);
        return AT_REST;
      case 'provision':
        tell(claim, undefined);
        await provision(claim, action.storageClass, action.node, signal);
        return AT_REST;
      case 'setClass': {
        const spec = { ...claim.spec, storageClassName: action.name };
        await client.update(persistentVolumeClaims, { ...claim, spec }, {}, signal);
        return AT_REST; // its news leads on from here
      }
      case 'phase': {
        tell(claim, action.event);
        if (claim.status.phase === action.phase) return AT_REST;
        const status = { ...claim.status, phase: action.phase };
        await client.update(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' }, signal);
        return AT_REST;
      }
      default:
        return action satisfies never;
    }
  }

  function unplacedUsers({ metadata }: PersistentVolumeClaim): string[] {
    const waiting = (pod: Pod) => !pod.spec.nodeName && !isFinished(pod) && claimsOf(pod).includes(metadata.name);
    return Array.from(podsHere.list(metadata.namespace).filter(waiting), (pod) => pod.metadata.name);
  }

  async function bind(
    claim: PersistentVolumeClaim,
    found: PersistentVolume,
    chosen: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace, name, uid, resourceVersion } = claim.metadata;
    let volume = found;
    const { claimRef } = volume.spec;
    if (claimRef?.uid !== uid) {
      const reference = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion };
      const marked: Record<string, string> = claimRef === undefined ? { [BOUND_BY_CONTROLLER]: 'yes' } : {};
      volume = await client.update(
        persistentVolumes,
        {
          ...volume,
          metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, ...marked } },
          spec: { ...volume.spec, claimRef: reference },
        },
        {},
        signal,
      );
    }
    volume = await setPhase(volume, 'Bound', undefined, signal);
    let bound = claim;
    const { annotations = {} } = claim.metadata;
    if (claim.spec.volumeName !== volume.metadata.name || annotations[BIND_COMPLETED] === undefined) {
      const marked: Record<string, string> = chosen ? { [BOUND_BY_CONTROLLER]: 'yes' } : {};
      bound = await client.update(
        persistentVolumeClaims,
        {
          ...claim,
          metadata: { ...claim.metadata, annotations: { ...annotations, [BIND_COMPLETED]: 'yes', ...marked } },
          spec: { ...claim.spec, volumeName: volume.metadata.name },
        },
        {},
        signal,
      );
    }
    const { accessModes, capacity } = volume.spec;
    if (bound.status.phase === 'Bound' && bound.status.capacity !== undefined) return;
    // From here on the resizer says what the volume is; only at binding it is ours to say.
    const { volumeAttributesClassName: attributes } = volume.spec;
    const status = {
      ...{ ...bound.status, phase: 'Bound' as const, accessModes, capacity },
      ...(attributes && { currentVolumeAttributesClassName: attributes }),
    };
    await client.update(persistentVolumeClaims, { ...bound, status }, { subresource: 'status' }, signal);
  }

  async function askFor(claim: PersistentVolumeClaim, provisioner: string, signal: AbortSignal): Promise<void> {
    const { annotations = {} } = claim.metadata;
    if (PROVISIONERS.every((name) => annotations[name] === provisioner)) return;
    const asked = Object.fromEntries(PROVISIONERS.map((name) => [name, provisioner]));
    const metadata = { ...claim.metadata, annotations: { ...annotations, ...asked } };
    await client.update(persistentVolumeClaims, { ...claim, metadata }, {}, signal);
  }

  async function provision(claim: PersistentVolumeClaim, sort: StorageClass, node: string, signal: AbortSignal) {
    if (claim.spec.volumeMode === 'Block') {
      const message = `${LOCAL_DIR} makes directories, not block devices`;
      tell(claim, { type: 'Warning', reason: 'ProvisioningFailed', message });
      return;
    }
    const hostname = nodesHere.get(node)?.metadata.labels?.['kubernetes.io/hostname'] ?? node;
    const volume = localDirectory(claim, sort, hostname);
    await client.create(persistentVolumes, volume, {}, signal).catch((err) => {
      if (!isAlreadyExists(err)) throw err; // its news is on the way
    });
    const message = `Successfully provisioned volume ${volume.metadata.name}`;
    recorder.event(claim, 'Normal', 'ProvisioningSucceeded', message);
  }

  async function setPhase(
    volume: PersistentVolume,
    phase: VolumePhase,
    message: string | undefined,
    signal: AbortSignal,
  ): Promise<PersistentVolume> {
    const { status } = volume;
    if (status.phase === phase && (status.message ?? '') === (message ?? '')) return volume;
    const next = { phase, ...(message && { message }), lastPhaseTransitionTime: timestamp(clock.now()) };
    return client.update(persistentVolumes, { ...volume, status: next }, { subresource: 'status' }, signal);
  }

  async function reconcileVolume(name: string, signal: AbortSignal): Promise<Next> {
    const volume = volumes.get(name);
    if (volume === undefined) return AT_REST;
    const { claimRef } = volume.spec;
    const claim = claimRef && (await claimOf(volume, signal));
    const action = decideVolume(volume, claim, clock.now());
    if (action === undefined) return AT_REST;
    if (action.do === 'unbind') {
      const { [BOUND_BY_CONTROLLER]: _ours, ...annotations } = volume.metadata.annotations ?? {};
      const { claimRef: _claim, ...spec } = volume.spec;
      await client.update(
        persistentVolumes,
        { ...volume, metadata: { ...volume.metadata, annotations }, spec },
        {},
        signal,
      );
      return AT_REST;
    }
    if (action.do === 'deleteAfter') {
      if (action.ms > 0) return { afterMs: action.ms };
      const { uid, resourceVersion, deletionTimestamp } = volume.metadata;
      if (deletionTimestamp !== undefined) return AT_REST;
      await client
        .delete(persistentVolumes, { name }, { preconditions: { uid, resourceVersion } }, signal)
        .catch((err) => {
          if (!isNotFound(err)) throw err;
        });
      return AT_REST;
    }
    tell(volume, action.event);
    await setPhase(volume, action.phase, action.message, signal);
    return AT_REST;
  }

  /** Before a volume counts as released the API itself is asked: data may depend on it. */
  async function claimOf({ spec }: PersistentVolume, signal: AbortSignal) {
    const { namespace = '', name = '', uid } = spec.claimRef!;
    const cached = claims.get(`${namespace}/${name}`);
    if (cached?.metadata.uid === uid) return cached;
    return client.get(persistentVolumeClaims, { namespace, name }, {}, signal).catch((err) => {
      if (isNotFound(err)) return undefined;
      throw err;
    });
  }

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    if (key.startsWith(CLAIM)) return reconcileClaim(key.slice(CLAIM.length), signal);
    return reconcileVolume(key.slice(VOLUME.length), signal);
  }

  /** Whoever waits for a volume may get this one. */
  function* waiting(): Generator<string> {
    for (const { metadata, spec, status } of claims.list()) {
      if (!spec.volumeName || status.phase !== 'Bound') yield `${CLAIM}${metadata.namespace}/${metadata.name}`;
    }
  }

  const sources = [
    on(claims, (key, now, before) => {
      if (now === undefined && before !== undefined) told.delete(before.metadata.uid);
      const names = [now, before].flatMap((claim) => (claim?.spec.volumeName ? [claim.spec.volumeName] : []));
      // Its volume may name it before it names its volume.
      for (const { metadata, spec } of now === undefined ? volumes.list() : []) {
        if (`${spec.claimRef?.namespace}/${spec.claimRef?.name}` === key) names.push(metadata.name);
      }
      return [`${CLAIM}${key}`, ...new Set(names.map((name) => `${VOLUME}${name}`))];
    }),
    on(volumes, (key, now, before) => {
      if (now === undefined && before !== undefined) told.delete(before.metadata.uid);
      const { claimRef } = (now ?? before)!.spec;
      const owner = claimRef === undefined ? waiting() : [`${CLAIM}${claimRef.namespace}/${claimRef.name}`];
      return [`${VOLUME}${key}`, ...owner];
    }),
    // A claim that waits for a pod says which.
    on(podsHere, (_key, now, before) => {
      const pod = now ?? before!;
      if (before !== undefined && !!now?.spec.nodeName === !!before.spec.nodeName) return [];
      return claimsOf(pod)
        .map((name) => `${pod.metadata.namespace}/${name}`)
        .filter((key) => claims.get(key)?.status.phase === 'Pending')
        .map((key) => `${CLAIM}${key}`);
    }),
    on(classes, function* (key) {
      for (const claim of claims.list()) {
        if (!claim.spec.volumeName && (classOf(claim) === key || !hasClass(claim))) {
          yield `${CLAIM}${claim.metadata.namespace}/${claim.metadata.name}`;
        }
      }
    }),
  ];
  // One at a time: two claims must not choose the same volume from the same picture.
  return (signal) => runController({ name: 'persistent-volume', sources, reconcile, workers: 1, clock, log }, signal);
};

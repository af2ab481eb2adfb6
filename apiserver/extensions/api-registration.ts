// An APIService for each group and version of custom kinds: clients list them to learn what there is. Those that say
// so are ours to make and take away; one that somebody else made stays as it is.
import type { Client } from '../../api/client/client.ts';
import { on, runController } from '../../api/client/controller.ts';
import type { Informer } from '../../api/client/informer.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { CustomResourceDefinition } from '../../api/types/apiextensions/custom-resource-definition.ts';
import { apiServices } from '../../api/types/apiregistration/resources.ts';
import { isTrue } from './crd-naming.ts';

type Crd = CustomResourceDefinition;

export interface RegistrationDeps {
  readonly client: Client;
  readonly definitions: Informer<Crd>;
  readonly clock: Clock;
  readonly log: Logger;
}

const AUTOMANAGED = 'kube-aggregator.kubernetes.io/automanaged';
const PRIORITIES = { groupPriorityMinimum: 1000, versionPriority: 100 };

export async function runApiRegistration(
  { client, definitions, clock, log }: RegistrationDeps,
  signal: AbortSignal,
): Promise<void> {
  /** `name` is that of the APIService: version.group. */
  async function reconcile(name: string): Promise<Next> {
    const wanted = [...definitions.list()].flatMap(servedBy).find((one) => nameOf(one) === name);
    if (wanted !== undefined) {
      const metadata = { name, labels: { [AUTOMANAGED]: 'true' } };
      await client.create(apiServices, { metadata, spec: { ...wanted, ...PRIORITIES } }, {}, signal).catch(unlessThere);
      return AT_REST;
    }
    const there = await client.get(apiServices, { name }, {}, signal).catch(unlessGone);
    if (there?.metadata.labels?.[AUTOMANAGED] !== 'true') return AT_REST;
    const preconditions = { uid: there.metadata.uid };
    await client.delete(apiServices, { name }, { preconditions }, signal).catch(unlessGone);
    return AT_REST;
  }

  const sources = [on(definitions, (_key, now, before) => [now, before].flatMap(versionsOf).map(nameOf))];
  await runController({ name: 'api-registration', workers: 1, sources, reconcile, clock, log }, signal);
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

const nameOf = ({ group, version }: GroupVersion) => `${version}.${group}`;

function versionsOf(crd: Crd | undefined): GroupVersion[] {
  return (crd?.spec.versions ?? []).map(({ name }) => ({ group: crd!.spec.group, version: name }));
}

function servedBy(crd: Crd): GroupVersion[] {
  if (!isTrue(crd, 'Established')) return [];
  const served = (crd.spec.versions ?? []).filter((version) => version.served);
  return served.map(({ name }) => ({ group: crd.spec.group, version: name }));
}

function unlessThere(err: unknown): void {
  if (!isAlreadyExists(err)) throw err;
}

function unlessGone(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
}

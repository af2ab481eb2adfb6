// Every namespace has an account named `default` for pods that name none.
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { namespaces, serviceAccounts } from '../../api/types/core/resources.ts';
import type { Controller } from './deps.ts';
import { unlessThereOrEnding } from './root-ca.ts';

const NAME = 'default';

export const serviceAccountController: Controller = ({ client, informers, clock, log }) => {
  const namespaceInformer = informers.of(namespaces);
  const accountInformer = informers.of(serviceAccounts);

  async function reconcile(namespace: string, signal: AbortSignal): Promise<Next> {
    if (namespaceInformer.get(namespace)?.status.phase !== 'Active') return AT_REST;
    if (accountInformer.get(`${namespace}/${NAME}`) !== undefined) return AT_REST;
    await client
      .create(serviceAccounts, { metadata: { namespace, name: NAME } }, {}, signal)
      .catch(unlessThereOrEnding);
    return AT_REST;
  }

  const sources = [
    on(namespaceInformer, itself),
    on(accountInformer, (key) => (key.endsWith(`/${NAME}`) ? [key.slice(0, -NAME.length - 1)] : [])),
  ];
  return (signal) => runController({ name: 'service-account', sources, reconcile, clock, log }, signal);
};

// Every namespace has the certificates that its pods check the API server with.
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { ApiError, isAlreadyExists } from '../../api/status.ts';
import { configMaps, namespaces } from '../../api/types/core/resources.ts';
import type { Controller } from './deps.ts';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

export const rootCaController: Controller = ({ client, informers, settings, clock, log }) => {
  const namespaceInformer = informers.of(namespaces);
  const mapInformer = informers.of(configMaps);
  const annotations = { 'kubernetes.io/description': DESCRIPTION };
  const data = { 'ca.crt': settings.rootCa };

  async function reconcile(namespace: string, signal: AbortSignal): Promise<Next> {
    if (namespaceInformer.get(namespace)?.status.phase !== 'Active') return AT_REST;
    const there = mapInformer.get(`${namespace}/${NAME}`);
    if (there === undefined) {
      const fresh = { metadata: { namespace, name: NAME, annotations }, data };
      await client.create(configMaps, fresh, {}, signal).catch(unlessThereOrEnding);
    } else if (there.data?.['ca.crt'] !== settings.rootCa || Object.keys(there.data).length !== 1) {
      const metadata = { ...there.metadata, annotations: { ...there.metadata.annotations, ...annotations } };
      await client.update(configMaps, { ...there, metadata, data }, {}, signal);
    }
    return AT_REST;
  }

  const sources = [
    on(namespaceInformer, itself),
    on(mapInformer, (key) => (key.endsWith(`/${NAME}`) ? [key.slice(0, -NAME.length - 1)] : [])),
  ];
  return (signal) => runController({ name: 'root-ca', sources, reconcile, clock, log }, signal);
};

/** A namespace that began to end takes nothing new: there is nothing left to do for it. */
export function unlessThereOrEnding(err: unknown): void {
  const ending = err instanceof ApiError && (err.code === 403 || err.code === 404);
  if (!isAlreadyExists(err) && !ending) throw err;
}

// Every pod runs as a service account: the default one unless it names another, with the account's token mounted.
import { nameSuffix } from '../../api/random.ts';
import { forbidden } from '../../api/status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods, serviceAccounts } from '../../api/types/core/resources.ts';
import type { ServiceAccount } from '../../api/types/core/service-account.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { AdmissionPlugin } from './admission.ts';

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const MIRROR = 'kubernetes.io/config.mirror';
/** An hour and a little, so that a kubelet that refreshes hourly is never late. */
const TOKEN_SECONDS = 3607;

export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  resources: ['pods'],
  operations: ['CREATE'],
  admit({ object, namespace }, registry) {
    const pod = object as unknown as Pod;
    const { spec, metadata } = pod;
    // A mirror of what a node runs anyway gets nothing from the API.
    if (metadata.annotations?.[MIRROR] !== undefined) {
      const what = referenceOf(pod);
      if (what !== undefined) throw forbidden(pods, metadata.name, `a mirror pod may not ${what}`);
      return;
    }
    spec.serviceAccountName ||= 'default';
    spec.serviceAccount = spec.serviceAccountName;
    const account = accountOf(pod, namespace, registry);
    if (automounts(pod, account)) mountToken(pod, `kube-api-access-${nameSuffix(registry.random)}`);
    if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
      spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
    }
  },
};

function referenceOf({ spec }: Pod): string | undefined {
  if (spec.serviceAccountName) return 'reference service accounts';
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
  const sources = spec.volumes?.flatMap(({ projected }) => projected?.sources ?? []) ?? [];
  const secrets =
    spec.imagePullSecrets?.length ||
    spec.volumes?.some(({ secret }) => secret !== undefined) ||
    sources.some(({ secret }) => secret !== undefined) ||
    containers.some(
      ({ env, envFrom }) =>
        env?.some(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined) ||
        envFrom?.some(({ secretRef }) => secretRef !== undefined),
    );
  if (secrets) return 'reference secrets';
  const tokens = sources.some(({ serviceAccountToken }) => serviceAccountToken !== undefined);
  return tokens ? 'use ServiceAccountToken volume projections' : undefined;
}

function accountOf({ metadata, spec }: Pod, namespace: string, registry: RegistryContext): ServiceAccount {
  const name = spec.serviceAccountName!;
  const account = registry.objects(serviceAccounts).get(namespace, name);
  if (account !== undefined) return account;
  const why = `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`;
  throw forbidden(pods, metadata.name, why);
}

function automounts({ spec }: Pod, account: ServiceAccount): boolean {
  return spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

/** Into every container that has nothing there yet. */
function mountToken({ spec }: Pod, name: string): void {
  let needed = false;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH)) continue;
    const mount = { name, readOnly: true, mountPath: MOUNT_PATH };
    container.volumeMounts = [...(container.volumeMounts ?? []), mount];
    needed = true;
  }
  if (!needed) return;
  const sources = [
    { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
      },
    },
    // Recorded so. An operator may publish it for serving certificates; kubelets here go on without.
    { configMap: { name: 'openshift-service-ca.crt', items: [{ key: 'service-ca.crt', path: 'service-ca.crt' }] } },
  ];
  spec.volumes = [...(spec.volumes ?? []), { name, projected: { sources, defaultMode: 0o644 } }];
}

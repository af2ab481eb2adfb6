// Whether a device plugin may register, and under which name. Pure; what is refused is told in upstream's words.
import { basename } from 'node:path';
import { DEVICE_PLUGIN_VERSION, type RegisterRequest } from './wire.ts';

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const DOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** What node and quota call an extended resource: of a domain that is not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  const [domain = '', local = '', ...more] = name.split('/');
  if (more.length > 0 || local === '' || name.startsWith('requests.')) return false;
  if (domain === 'kubernetes.io' || domain.endsWith('.kubernetes.io')) return false;
  return DOMAIN.test(domain) && NAME.test(local);
}

export function registrationProblem({ version, endpoint, resourceName }: RegisterRequest): string | undefined {
  if (version !== DEVICE_PLUGIN_VERSION) {
    const only = `Supported version is "${DEVICE_PLUGIN_VERSION}"`;
    return `requested API version "${version}" is not supported by kubelet. ${only}`;
  }
  if (!isExtendedResource(resourceName)) return `the ResourceName "${resourceName}" is invalid`;
  if (endpoint === '' || basename(endpoint) !== endpoint) return `the Endpoint "${endpoint}" is invalid`;
  return undefined;
}

// services/<[scheme:]name[:port]>/proxy: a request to one of the service's ready endpoints.
import { ApiError, badRequest } from '../../../../api/status.ts';
import { services } from '../../../../api/types/core/resources.ts';
import type { Service } from '../../../../api/types/core/service.ts';
import { endpointSlices } from '../../../../api/types/discovery/resources.ts';
import { existing } from '../../read.ts';
import type { RegistryContext } from '../../registry.ts';
import type { Handler } from '../../strategy.ts';
import { splitTarget } from './pod-connect.ts';

export const proxyToService: Handler = async (request, registry) => {
  const { scheme, name, port } = splitTarget(request.name);
  const service = existing(registry.storeOf(services), { ...request, name }).decoded() as Service;
  const wanted = service.spec.ports?.find((each) => port === '' || each.name === port || String(each.port) === port);
  if (wanted === undefined && port !== '')
    throw badRequest(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const found = endpointOf(service, wanted?.name ?? '', registry);
  const host = found.address.includes(':') ? `[${found.address}]` : found.address;
  const url = new URL(`${scheme || 'http'}://${host}:${found.port}/`);
  url.pathname = `/${request.subpath ?? ''}`;
  url.search = request.options.query.toString();
  return { type: 'connect', url, kubelet: false };
};

const SERVICE_NAME = 'kubernetes.io/service-name';

function endpointOf({ metadata }: Service, portName: string, registry: RegistryContext) {
  const candidates: { address: string; port: number }[] = [];
  for (const slice of registry.objects(endpointSlices).list(metadata.namespace)) {
    if (slice.metadata.labels?.[SERVICE_NAME] !== metadata.name) continue;
    const port = slice.ports?.find(({ name }) => (name ?? '') === portName)?.port;
    if (!port) continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      if (conditions?.ready !== false && addresses[0]) candidates.push({ address: addresses[0], port });
    }
  }
  const chosen = candidates[Math.floor(registry.random.float() * candidates.length)];
  if (chosen === undefined) {
    throw new ApiError(
      503,
      'ServiceUnavailable',
      `no endpoints available for service ${JSON.stringify(metadata.name)}`,
    );
  }
  return chosen;
}

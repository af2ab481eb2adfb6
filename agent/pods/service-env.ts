// The variables that tell a container about services, in the form Docker links once had: the services of its own
// namespace, and always the API itself.
import type { Service } from '../../api/types/core/service.ts';

const API = { namespace: 'default', name: 'kubernetes' };

export function serviceEnv(services: Iterable<Service>, namespace: string, links: boolean): Record<string, string> {
  const env: Record<string, string> = {};
  const chosen: Service[] = [];
  for (const service of services) {
    const { clusterIP } = service.spec;
    if (!clusterIP || clusterIP === 'None') continue;
    const isApi = service.metadata.namespace === API.namespace && service.metadata.name === API.name;
    if (isApi || (links && service.metadata.namespace === namespace)) chosen.push(service);
  }
  // A namespace's own service called kubernetes hides the API's.
  const rank = (service: Service) => (service.metadata.namespace === namespace ? 1 : 0);
  for (const service of chosen.sort((a, b) => rank(a) - rank(b))) Object.assign(env, variablesOf(service));
  return env;
}

function variablesOf({ metadata, spec }: Service): Record<string, string> {
  const prefix = metadata.name.toUpperCase().replaceAll('-', '_');
  const host = spec.clusterIP!;
  const ports = spec.ports ?? [];
  const [first] = ports;
  const env: Record<string, string> = { [`${prefix}_SERVICE_HOST`]: host };
  if (first === undefined) return env;
  env[`${prefix}_SERVICE_PORT`] = String(first.port);
  const bracketed = host.includes(':') ? `[${host}]` : host;
  for (const { name, port, protocol = 'TCP' } of ports) {
    if (name) env[`${prefix}_SERVICE_PORT_${name.toUpperCase().replaceAll('-', '_')}`] = String(port);
    const link = `${prefix}_PORT_${port}_${protocol}`;
    const url = `${protocol.toLowerCase()}://${bracketed}:${port}`;
    env[`${prefix}_PORT`] ??= url;
    env[link] = url;
    env[`${link}_PROTO`] = protocol.toLowerCase();
    env[`${link}_PORT`] = String(port);
    env[`${link}_ADDR`] = host;
  }
  return env;
}

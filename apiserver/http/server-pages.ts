// The pages of the API server beside its resources: documents, health, version, keys.
import { builtinGroups, type GroupDefinition } from '../../api/types/resources.ts';
import type { Registry } from '../registry/registry.ts';
import type { Answer } from './answer.ts';
import { DiscoveryPages } from './discovery-pages.ts';
import { jsonAnswer } from './encode.ts';
import { healthPage } from './health.ts';
import { HEALTH_ENDPOINTS, healthChecks, type Vitals } from './health-checks.ts';
import type { Metrics } from './metrics.ts';
import { noRepresentation, parseAccept } from './negotiate.ts';
import { type Page, type Pages, PageTable } from './pages.ts';

export interface PageDeps {
  readonly registry: Registry;
  readonly vitals: Vitals;
  readonly metrics: Metrics;
  /** Host and port for clients outside. */
  readonly serverAddress: string;
  readonly groups?: readonly GroupDefinition[];
}

export function serverPages({ registry, vitals, metrics, serverAddress, groups = builtinGroups }: PageDeps): Pages {
  const { tokens } = registry;
  const documents = new DiscoveryPages(registry, groups, serverAddress);
  const version: Page = () => jsonAnswer(200, VERSION, true);
  const table = new PageTable((target, req) => documents.discovery(target, req));
  table
    .add('/version', version)
    .add('/metrics', () => metrics.answer())
    .add('/version/', (path) => (path === '/version/' ? jsonAnswer(200, VERSION, true) : undefined))
    .add('/openapi/v2', (_path, query, req) => documents.openapiV2(query, req))
    .add('/openapi/v3', () => documents.openapiV3Index())
    .add('/openapi/v3/', async (path, query, req) => (await documents.openapiV3(path, query, req)) ?? NOTHING)
    .add('/openid/v1/jwks', (_path, _query, req) => {
      const accepted = parseAccept(req.headers.accept ?? '*/*');
      if (!accepted.some(({ subtype }) => subtype === '*' || subtype === 'jwk-set+json')) {
        throw noRepresentation([KEY_SET]);
      }
      return { ...jsonAnswer(200, tokens.keySet()), contentType: KEY_SET };
    })
    .add('/.well-known/openid-configuration', () => {
      const uri = `https://${serverAddress}/openid/v1/jwks`;
      return jsonAnswer(200, tokens.configuration(uri));
    });
  const checks = healthChecks(vitals);
  for (const endpoint of HEALTH_ENDPOINTS) {
    const page = healthPage(endpoint, checks[endpoint]);
    table.add(`/${endpoint}`, page).add(`/${endpoint}/`, page);
  }
  const own = table.paths.filter((path) => path !== '/');
  table.add('/', (path) => (path === '/' ? jsonAnswer(200, { paths: rootPaths(registry, own) }, true) : undefined));
  return table;
}

/** Everything there is to get, in order. */
function rootPaths({ definitions }: Registry, own: readonly string[]): string[] {
  const groups = definitions.flatMap(({ group, version }) =>
    group === '' ? ['/api', `/api/${version}`] : [`/apis/${group}`, `/apis/${group}/${version}`],
  );
  return [...new Set([...own, '/apis', '/apis/', ...groups])].sort();
}

/** A document that is not there is said without words. */
const NOTHING: Answer = { code: 404, chunks: [], length: 0 };
const KEY_SET = 'application/jwk-set+json';

const VERSION = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.2+skiff',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'go1.26',
  compiler: 'gc',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

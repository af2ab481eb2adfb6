// The pages of the API server beside its resources.
import type { Registry } from '../registry/registry.ts';
import { jsonAnswer } from './encode.ts';
import { type Pages, PageTable, textAnswer } from './pages.ts';

export function serverPages(registry: Registry): Pages {
  const { tokens } = registry;
  return new PageTable(() => undefined)
    .add('/version', () => jsonAnswer(200, VERSION, true))
    .add('/healthz', () => textAnswer(200, 'ok'))
    .add('/livez', () => textAnswer(200, 'ok'))
    .add('/readyz', () => textAnswer(200, 'ok'))
    .add('/openid/v1/jwks', () => ({ ...jsonAnswer(200, tokens.keySet()), contentType: 'application/jwk-set+json' }))
    .add('/.well-known/openid-configuration', () =>
      jsonAnswer(200, tokens.configuration(`${tokens.issuer}/openid/v1/jwks`)),
    );
}

const VERSION = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.2+skiff',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'go1.26',
  compiler: 'none',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '../../../api/types/core/config-map.ts';
import { bootstrapUser } from '../../../apiserver/authn/bootstrap-tokens.ts';
import { remainingMs } from '../../../apiserver/controllers/token-cleaner.ts';
import type { RegistryContext } from '../../../apiserver/registry/registry.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const GOOD = {
  'token-id': 'abcdef',
  'token-secret': '0123456789abcdef',
  'usage-bootstrap-authentication': 'true',
};

function aSecret(data: Record<string, string>, type = 'bootstrap.kubernetes.io/token'): Secret {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  const metadata = { namespace: 'kube-system', name: 'bootstrap-token-abcdef', uid: 'u' };
  return { metadata, type, data: Object.fromEntries(encoded) } as unknown as Secret;
}

function whoIs(token: string, secret: Secret | undefined) {
  const get = (_namespace: string, name: string) => (name === secret?.metadata.name ? secret : undefined);
  const registry = { clock: { now: () => NOW_MS }, objects: () => ({ get }) } as unknown as RegistryContext;
  return bootstrapUser(token, registry);
}

const TOKEN = 'abcdef.0123456789abcdef';
const cases: { it: string; token?: string; secret?: Secret; groups?: string[] }[] = [
  { it: 'is a bootstrapper', secret: aSecret(GOOD), groups: ['system:bootstrappers', 'system:authenticated'] },
  {
    it: 'has further groups of bootstrappers',
    secret: aSecret({ ...GOOD, 'auth-extra-groups': 'system:bootstrappers:workers' }),
    groups: ['system:bootstrappers', 'system:bootstrappers:workers', 'system:authenticated'],
  },
  {
    it: 'counts until it expires',
    secret: aSecret({ ...GOOD, expiration: '2026-01-01T00:00:01Z' }),
    groups: ['system:bootstrappers', 'system:authenticated'],
  },
  { it: 'is nobody without a secret' },
  { it: 'is nobody with a wrong secret', token: 'abcdef.0123456789abcdee', secret: aSecret(GOOD) },
  { it: 'is nobody in another form', token: 'abcdef.0123456789abcde', secret: aSecret(GOOD) },
  { it: 'is nobody with a secret of another type', secret: aSecret(GOOD, 'Opaque') },
  {
    it: 'is nobody when it is not for authentication',
    secret: aSecret({ ...GOOD, 'usage-bootstrap-authentication': 'false' }),
  },
  { it: 'is nobody when it has expired', secret: aSecret({ ...GOOD, expiration: '2026-01-01T00:00:00Z' }) },
  { it: 'is nobody when its end cannot be read', secret: aSecret({ ...GOOD, expiration: 'soon' }) },
  {
    it: 'is nobody when it claims a group of others',
    secret: aSecret({ ...GOOD, 'auth-extra-groups': 'system:masters' }),
  },
];
for (const { it, token = TOKEN, secret, groups } of cases) {
  test(`a bootstrap token ${it}`, () => {
    const user = whoIs(token, secret);
    assert.deepEqual(user, groups && { name: 'system:bootstrap:abcdef', groups });
  });
}

test('tokens go when they have expired, other secrets stay', () => {
  assert.equal(remainingMs(aSecret(GOOD), NOW_MS), undefined);
  assert.equal(remainingMs(aSecret({ ...GOOD, expiration: '2026-01-01T00:00:01Z' }), NOW_MS), 1_000);
  assert.equal(remainingMs(aSecret({ ...GOOD, expiration: '2025-01-01T00:00:01Z' }), NOW_MS), 0);
  assert.equal(remainingMs(aSecret({ ...GOOD, expiration: '2025-01-01T00:00:01Z' }, 'Opaque'), NOW_MS), undefined);
});

// Admin access to devices, through the whole registry: only from namespaces that an administrator marked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../api/status.ts';
import { namespaces } from '../../../api/types/core/resources.ts';
import { resourceClaims, resourceClaimTemplates } from '../../../api/types/resource/resources.ts';
import { TestRegistry } from './fixture.ts';

test('devices of others are asked for only from a namespace that is marked for it', async () => {
  await using registry = await TestRegistry.open();
  const { client } = registry;
  await client.create(namespaces, {
    metadata: { name: 'admins', labels: { 'resource.kubernetes.io/admin-access': 'true' } },
    spec: {},
  });
  await client.create(namespaces, { metadata: { name: 'users' }, spec: {} });
  const spec = (adminAccess: boolean) => ({
    devices: {
      requests: [{ name: 'all', exactly: { deviceClassName: 'cards', allocationMode: 'All' as const, adminAccess } }],
    },
  });
  const claim = (namespace: string, name: string, admin: boolean) =>
    client.create(resourceClaims, { metadata: { namespace, name }, spec: spec(admin) });
  const template = (namespace: string, admin: boolean) =>
    client.create(resourceClaimTemplates, { metadata: { namespace, name: 't' }, spec: { spec: spec(admin) } });
  await claim('admins', 'a', true);
  await claim('users', 'a', false);
  await template('admins', true);
  const refused = (path: string) => (err: unknown) =>
    err instanceof ApiError &&
    err.code === 422 &&
    err.message.endsWith(
      `${path}.devices.requests[0].exactly.adminAccess: Forbidden: admin access to devices requires the ` +
        '`resource.kubernetes.io/admin-access: true` label on the containing namespace',
    );
  await assert.rejects(claim('users', 'b', true), refused('spec'));
  await assert.rejects(template('users', true), refused('spec.spec'));
});

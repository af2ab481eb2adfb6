// Tokens that lie in secrets: filled for whoever asks for one, good until the secret or the account is gone.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HttpsClient } from '../../../api/client/https-client.ts';
import { Transport } from '../../../api/client/transport.ts';
import { isNotFound } from '../../../api/status.ts';
import { systemClock } from '../../../api/system.ts';
import { selfSubjectReviews } from '../../../api/types/authentication/resources.ts';
import { namespaces, secrets, serviceAccounts } from '../../../api/types/core/resources.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { startTestServer } from '../test-server.ts';

const namespace = 'shop';
const text = (base64: string | undefined) => Buffer.from(base64 ?? '', 'base64').toString();

test('a secret for an account is filled with a token of that account, which ends with either of them', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startTestServer({ run: ['api', 'controllers'] }));
  const { ca, cert, key } = server.files;
  const [caPem, certPem, keyPem] = await Promise.all([ca, cert, key].map((file) => readFile(file)));
  const clientWith = (secret: object) => {
    const credentials = () => ({ ca: caPem!, ...secret });
    const transport = new Transport({ server: server.url, credentials, userAgent: 'test', clock: systemClock });
    return new HttpsClient(stack.use(transport), systemClock);
  };
  const admin = clientWith({ cert: certPem!, key: keyPem! });
  await admin.create(namespaces, { metadata: { name: namespace } } as never);
  const type = 'kubernetes.io/service-account-token';
  const make = (name: string) =>
    admin.create(secrets, {
      metadata: { name, namespace, annotations: { 'kubernetes.io/service-account.name': 'robot' } },
      type,
    } as never);
  const filled = (name: string) =>
    waitFor(`secret ${name} to be filled`, async () => {
      const { data, metadata } = await admin.get(secrets, { namespace, name });
      const uid = metadata.annotations?.['kubernetes.io/service-account.uid'];
      return data?.['token'] !== undefined && { token: text(data['token']), data, uid };
    });
  const account = await admin.create(serviceAccounts, { metadata: { name: 'robot', namespace } } as never);
  await make('one');
  await make('two');
  const { token, data, uid } = await filled('one');
  const other = await filled('two');
  assert.equal(uid, account.metadata.uid);
  assert.equal(text(data['namespace']), namespace);
  assert.equal(text(data['ca.crt']), caPem!.toString());
  const who = async (bearer: string) => {
    const client = clientWith({ token: bearer });
    const { status } = await client.create(selfSubjectReviews, { metadata: {} } as never);
    return status.userInfo?.username;
  };
  assert.equal(await who(token), 'system:serviceaccount:shop:robot');
  const refused = { code: 401 };
  await admin.delete(secrets, { namespace, name: 'one' });
  await assert.rejects(who(token), refused);
  assert.equal(await who(other.token), 'system:serviceaccount:shop:robot');
  await admin.delete(serviceAccounts, { namespace, name: 'robot' });
  await assert.rejects(who(other.token), refused);
  await waitFor('the other secret to be gone', () =>
    admin.get(secrets, { namespace, name: 'two' }).then(() => false, isNotFound),
  );
  await make('three');
  await waitFor('a secret of no account to be gone', () =>
    admin.get(secrets, { namespace, name: 'three' }).then(() => false, isNotFound),
  );
});

// Secrets of the type service-account-token are filled with a token that does not end by itself, and go with their
// account. Nobody makes them but people who want such a token.
import { on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { isNotFound } from '../../api/status.ts';
import type { Secret } from '../../api/types/core/config-map.ts';
import { secrets, serviceAccounts } from '../../api/types/core/resources.ts';
import type { ServiceAccount } from '../../api/types/core/service-account.ts';
import type { Controller } from './deps.ts';

const TYPE = 'kubernetes.io/service-account-token';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';

const base64 = (text: string) => Buffer.from(text).toString('base64');

export const accountTokenController: Controller = ({ client, informers, settings, clock, log }) => {
  const informer = informers.of(secrets);
  const accounts = informers.of(serviceAccounts);
  const ca = base64(settings.rootCa);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const secret = informer.get(key);
    const name = secret && accountOf(secret);
    if (secret === undefined || name === undefined || secret.metadata.deletionTimestamp !== undefined) return AT_REST;
    const { namespace = '', uid: secretUid, annotations = {} } = secret.metadata;
    const wanted = annotations[UID];
    const isNot = (uid: string | undefined) => uid === undefined || (wanted !== undefined && wanted !== uid);
    let account: ServiceAccount | undefined = accounts.get(`${namespace}/${name}`);
    // Before a secret goes the API itself is asked: the account may be newer than the news of it.
    if (isNot(account?.metadata.uid))
      account = await client.get(serviceAccounts, { namespace, name }, {}, signal).catch(unlessGone);
    if (account === undefined || isNot(account.metadata.uid)) {
      const preconditions = { uid: secretUid };
      await client
        .delete(secrets, { namespace, name: secret.metadata.name }, { preconditions }, signal)
        .catch(unlessGone);
      return AT_REST;
    }
    const { data = {} } = secret;
    const { uid } = account.metadata;
    const isWhole = data['token'] && data['ca.crt'] === ca && data['namespace'] === base64(namespace);
    if (isWhole && wanted === uid) return AT_REST;
    const token =
      data['token'] || base64(settings.signToken({ namespace, account: { name, uid }, secret: secret.metadata.name }));
    await client.update(
      secrets,
      {
        ...secret,
        metadata: { ...secret.metadata, annotations: { ...annotations, [UID]: uid } },
        data: { ...data, token, 'ca.crt': ca, namespace: base64(namespace) },
      },
      {},
      signal,
    );
    return AT_REST;
  }

  const sources = [
    on(informer, (key, now) => (now === undefined || accountOf(now) === undefined ? [] : [key])),
    on(accounts, function* (_key, now, before) {
      if (now !== undefined && before?.metadata.uid === now.metadata.uid) return;
      const { namespace, name } = (now ?? before)!.metadata;
      for (const secret of informer.list(namespace)) {
        if (accountOf(secret) === name) yield `${namespace}/${secret.metadata.name}`;
      }
    }),
  ];
  return (signal) => runController({ name: 'account-token', sources, reconcile, clock, log }, signal);
};

/** The account whose token the secret is to hold. */
function accountOf({ type, metadata }: Secret): string | undefined {
  return type === TYPE ? metadata.annotations?.[NAME] || undefined : undefined;
}

function unlessGone(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
  return undefined;
}

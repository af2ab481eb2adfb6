// Bootstrap tokens: what a node shows that nobody knows yet. Each is a secret in kube-system named after its public
// half; it counts until it expires or is deleted.
import { timingSafeEqual } from 'node:crypto';
import { secrets } from '../../api/types/core/resources.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { UserInfo } from '../registry/request.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const TYPE = 'bootstrap.kubernetes.io/token';
const GROUP = 'system:bootstrappers';
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** Undefined for what is no bootstrap token, and for one that does not count. */
export function bootstrapUser(token: string, registry: RegistryContext): UserInfo | undefined {
  const [, id, secretPart] = TOKEN.exec(token) ?? [];
  if (id === undefined) return undefined;
  const secret = registry.objects(secrets).get('kube-system', `bootstrap-token-${id}`);
  if (secret === undefined || secret.type !== TYPE || secret.metadata.deletionTimestamp !== undefined) return undefined;
  const text = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
  if (text('token-id') !== id || !same(text('token-secret'), secretPart!)) return undefined;
  if (text('usage-bootstrap-authentication') !== 'true') return undefined;
  const expiration = text('expiration');
  // A time that cannot be read has passed.
  if (expiration !== '' && !(Date.parse(expiration) > registry.clock.now())) return undefined;
  const extra = text('auth-extra-groups').split(',').filter(Boolean);
  if (extra.some((group) => !EXTRA_GROUP.test(group))) return undefined;
  return { name: `system:bootstrap:${id}`, groups: [...new Set([GROUP, ...extra]), 'system:authenticated'] };
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

// Authorization of one request: asked once, at the door, for HTTP and for the in-process client alike.
import { parseFieldSelector } from '../../api/fields.ts';
import { ApiError, forbidden } from '../../api/status.ts';
import type { ApiRequest, UserInfo } from '../registry/request.ts';
import type { Access, Authorizer } from './authorizer.ts';

export function accessOf(request: ApiRequest): Access {
  const { resource, subresource = '', verb, user, namespace, options } = request;
  const fields = options.fieldSelector === '' ? {} : exactFields(options.fieldSelector);
  // A list of one object by name is as good as a get of it.
  const name = request.name || (verb === 'create' ? '' : (fields['metadata.name'] ?? ''));
  const scope = scopeOf(request, namespace);
  return { user, verb, group: resource.group, resource: resource.plural, subresource, namespace: scope, name, fields };
}

function exactFields(selector: string): Record<string, string> {
  const exact = parseFieldSelector(selector).filter(({ operator }) => operator === '=');
  return Object.fromEntries(exact.map(({ field, value }) => [field, value]));
}

/** A namespace is asked for as an object in itself, so that rights in it can be given there. */
function scopeOf({ resource, name }: ApiRequest, namespace: string): string {
  return resource.group === '' && resource.plural === 'namespaces' ? name : namespace;
}

export function authorizeRequest(authorizer: Authorizer, request: ApiRequest): void {
  const access = accessOf(request);
  const decision = authorizer.authorize(access);
  if (decision.answer !== 'allow') throw refusal(access, decision.reason);
}

export function authorizePath(authorizer: Authorizer, user: UserInfo, verb: string, path: string): void {
  const access = { user, verb, path, group: '', resource: '', subresource: '', namespace: '', name: '' };
  const { answer, reason } = authorizer.authorize(access);
  if (answer === 'allow') return;
  const because = reason ? `: ${reason}` : '';
  throw new ApiError(403, 'Forbidden', `forbidden: ${whoCannot(access)} path ${JSON.stringify(path)}${because}`, {});
}

function whoCannot({ user, verb }: Access): string {
  return `User ${JSON.stringify(user.name)} cannot ${verb}`;
}

export function refusal(access: Access, reason: string | undefined): ApiError {
  const { group, resource, subresource, namespace, name } = access;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const because = reason ? `: ${reason}` : '';
  const why = `${whoCannot(access)} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}${because}`;
  return forbidden({ group, plural: resource }, name, why);
}

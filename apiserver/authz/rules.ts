// Rules of roles against accesses, and rules against rules: pure.
import type { Access, ResourceRule } from './authorizer.ts';

const has = (list: readonly string[] | undefined, value: string) =>
  list !== undefined && (list.includes('*') || list.includes(value));

export function allows(rule: ResourceRule, access: Access): boolean {
  if (!has(rule.verbs, access.verb)) return false;
  if (access.path !== undefined) return allowsPath(rule.nonResourceURLs, access.path);
  const { resourceNames } = rule;
  return (
    has(rule.apiGroups, access.group) &&
    allowsResource(rule.resources, access.resource, access.subresource) &&
    (resourceNames === undefined || resourceNames.length === 0 || resourceNames.includes(access.name))
  );
}

/** 'pods', 'pods/log', '*\/scale' (the subresource of whatever), '*'. */
function allowsResource(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (resources === undefined) return false;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some((each) => each === '*' || each === full || (subresource !== '' && each === `*/${subresource}`));
}

/** '/healthz', '/apis/*'. */
function allowsPath(urls: readonly string[] | undefined, path: string): boolean {
  return (
    urls?.some((url) => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)))) ??
    false
  );
}

/** What of `wanted` is not given by `held`, broken down to single rights. */
export function notCovered(held: readonly ResourceRule[], wanted: readonly ResourceRule[]): ResourceRule[] {
  return wanted.flatMap(breakDown).filter((right) => !held.some((rule) => covers(rule, right)));
}

function breakDown(rule: ResourceRule): ResourceRule[] {
  const single: ResourceRule[] = [];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        const right = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (!rule.resourceNames?.length) single.push(right);
        else for (const name of rule.resourceNames) single.push({ ...right, resourceNames: [name] });
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs) single.push({ verbs: [verb], nonResourceURLs: [url] });
  }
  return single;
}

function covers(rule: ResourceRule, right: ResourceRule): boolean {
  if (!right.verbs.every((verb) => has(rule.verbs, verb))) return false;
  if (right.nonResourceURLs !== undefined) {
    return right.nonResourceURLs.every((url) => allowsPath(rule.nonResourceURLs, url));
  }
  const { resourceNames: names } = rule;
  return (
    right.apiGroups!.every((group) => has(rule.apiGroups, group)) &&
    right.resources!.every((resource) => coversResource(rule.resources, resource)) &&
    (!names?.length || (right.resourceNames?.every((name) => names.includes(name)) ?? false))
  );
}

function coversResource(resources: readonly string[] | undefined, wanted: string): boolean {
  const slash = wanted.indexOf('/');
  if (slash < 0) return has(resources, wanted);
  return allowsResource(resources, wanted.slice(0, slash), wanted.slice(slash + 1));
}

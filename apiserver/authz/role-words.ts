// Rules of roles, written short: verbs, groups and resources are words in one text. 'core' is the group without a name.
import type { ResourceRule } from './authorizer.ts';

const words = (text: string) => text.split(' ');

export const READ = 'get list watch';
export const WRITE = 'create delete deletecollection patch update';
export const ALL = 'create delete deletecollection get list patch update watch';

export function rule(verbs: string, groups: string, resources: string, names?: string): ResourceRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups).map((group) => (group === 'core' ? '' : group)),
    resources: words(resources),
    ...(names !== undefined && { resourceNames: words(names) }),
  };
}

export function paths(verbs: string, urls: string): ResourceRule {
  return { nonResourceURLs: words(urls), verbs: words(verbs) };
}

/** What everyone that reports events needs. */
export const events = rule('create patch update', 'core events.k8s.io', 'events');

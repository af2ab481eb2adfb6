// Groups under k8s.io and kubernetes.io belong to the community: who defines kinds there says who approved it.
export const APPROVED_ANNOTATION = 'api-approved.kubernetes.io';
const SEE = 'https://github.com/kubernetes/enhancements/pull/1111';

export interface Approval {
  readonly state: 'approved' | 'bypassed' | 'invalid' | 'missing';
  readonly message: string;
}

export function isProtectedGroup(group: string): boolean {
  return /(^|\.)(k8s|kubernetes)\.io$/.test(group);
}

export function approvalOf(annotations: Readonly<Record<string, string>> | undefined): Approval {
  const said = annotations?.[APPROVED_ANNOTATION] ?? '';
  const must = `protected groups must have approval annotation ${JSON.stringify(APPROVED_ANNOTATION)}`;
  if (said === '') return { state: 'missing', message: `${must}, see ${SEE}` };
  if (said.startsWith('unapproved')) return { state: 'bypassed', message: `not approved: ${JSON.stringify(said)}` };
  if (URL.parse(said)?.host) return { state: 'approved', message: `approved in ${said}` };
  return {
    state: 'invalid',
    message: `${must} with either a URL or a reason starting with "unapproved", see ${SEE}`,
  };
}

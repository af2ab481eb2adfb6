// Security contexts of pods and containers.
import type { FieldProblem } from '../../../api/status.ts';
import type { PodSecurityContext, SecurityContext } from '../../../api/types/core/security-context.ts';
import { duplicate, invalidValue, required } from './problems.ts';
import { between, oneOf } from './values.ts';

const MAX_ID = 2 ** 31 - 1;
const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const SYSCTL_WORDS =
  'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const LOCALHOST = 'must be set when seccomp type is Localhost';

type Profile = NonNullable<SecurityContext['seccompProfile']>;

function seccompProblems(profile: Profile | undefined, path: string): FieldProblem[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  if (type === 'Localhost') {
    if (!localhostProfile) return [required(`${path}.localhostProfile`, LOCALHOST)];
    if (localhostProfile.startsWith('/') || localhostProfile.split('/').includes('..')) {
      const why = localhostProfile.startsWith('/') ? 'must be a relative path' : "must not contain '..'";
      return [invalidValue(`${path}.localhostProfile`, localhostProfile, why)];
    }
    return [];
  }
  if (localhostProfile !== undefined) {
    return [
      invalidValue(`${path}.localhostProfile`, localhostProfile, 'can only be set when seccomp type is Localhost'),
    ];
  }
  if (!type) return [required(`${path}.type`, 'type is required when seccompProfile is set')];
  return oneOf(`${path}.type`, type, ['Localhost', 'RuntimeDefault', 'Unconfined']);
}

const id = (path: string, value: number | undefined) => between(path, value, 0, MAX_ID);

export function podSecurityProblems(context: PodSecurityContext | undefined, path: string): FieldProblem[] {
  if (context === undefined) return [];
  const { fsGroup, runAsUser, runAsGroup, supplementalGroups = [], sysctls = [], fsGroupChangePolicy } = context;
  const names = new Set<string>();
  const sysctlProblems = sysctls.flatMap(({ name }, i) => {
    const at = `${path}.sysctls[${i}].name`;
    if (!name) return [required(at)];
    if (name.length > 253 || !SYSCTL.test(name)) return [invalidValue(at, name, SYSCTL_WORDS)];
    if (names.has(name)) return [duplicate(at, name)];
    names.add(name);
    return [];
  });
  return [
    ...id(`${path}.fsGroup`, fsGroup),
    ...id(`${path}.runAsUser`, runAsUser),
    ...id(`${path}.runAsGroup`, runAsGroup),
    ...supplementalGroups.flatMap((group, i) => id(`${path}.supplementalGroups[${i}]`, group)),
    ...sysctlProblems,
    ...oneOf(`${path}.fsGroupChangePolicy`, fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...seccompProblems(context.seccompProfile, `${path}.seccompProfile`),
  ];
}

export function containerSecurityProblems(context: SecurityContext | undefined, path: string): FieldProblem[] {
  if (context === undefined) return [];
  const { runAsUser, runAsGroup, procMount, allowPrivilegeEscalation, privileged, capabilities } = context;
  const problems = [
    ...id(`${path}.runAsUser`, runAsUser),
    ...id(`${path}.runAsGroup`, runAsGroup),
    ...oneOf(`${path}.procMount`, procMount, ['Default', 'Unmasked']),
    ...seccompProblems(context.seccompProfile, `${path}.seccompProfile`),
  ];
  if (allowPrivilegeEscalation === false) {
    const at = `${path}`;
    if (privileged) {
      problems.push(
        invalidValue(at, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'),
      );
    }
    if (capabilities?.add?.includes('SYS_ADMIN') || capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      const why = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN';
      problems.push(invalidValue(at, context, why));
    }
  }
  return problems;
}

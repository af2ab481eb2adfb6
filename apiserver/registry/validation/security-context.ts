// Whom processes run as and what the kernel lets them do.
import type { FieldProblem } from '../../../api/status.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import {
  SecurityContext as Schema,
  type SeccompProfile,
  SeccompProfile as SeccompSchema,
  type SecurityContext,
} from '../../../api/types/core/security-context.ts';
import { goJson } from './go-value.ts';
import { localDescendingPath } from './paths.ts';
import { duplicate, invalidValue, notSupported, Printed, required, tooLong } from './problems.ts';
import { oneOf } from './values.ts';
import { windowsProblems } from './windows.ts';

const ID_MAX = 2147483647;
const NOT_AN_ID = `must be between 0 and ${ID_MAX}, inclusive`;

export function idProblems(path: string, id: number | undefined): FieldProblem[] {
  return id === undefined || (id >= 0 && id <= ID_MAX) ? [] : [invalidValue(path, id, NOT_AN_ID)];
}

const SYSCTL_PATTERN = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const IPC_SYSCTLS = ['kernel.shm', 'kernel.msg', 'fs.mqueue.'];

/** The namespace a setting belongs to. What comes first, a dot or a slash, is what separates the parts. */
function namespaceOf(sysctl: string): 'net' | 'ipc' | undefined {
  const dotted = sysctl.search(/[./]/) === sysctl.indexOf('/') ? sysctl.replaceAll('/', '.') : sysctl;
  if (dotted === 'kernel.sem' || IPC_SYSCTLS.some((prefix) => dotted.startsWith(prefix))) return 'ipc';
  return dotted.startsWith('net.') ? 'net' : undefined;
}

export function podSecurityProblems(spec: PodSpec, specPath: string): FieldProblem[] {
  const { securityContext: context = {}, hostPID, hostIPC, hostNetwork } = spec;
  const path = `${specPath}.securityContext`;
  const problems: FieldProblem[] = [];
  // Most pods have one that says nothing.
  if (Object.keys(context).length === 0 && !hostPID) return problems;
  problems.push(
    ...idProblems(`${path}.fsGroup`, context.fsGroup),
    ...idProblems(`${path}.runAsUser`, context.runAsUser),
    ...idProblems(`${path}.runAsGroup`, context.runAsGroup),
    ...(context.supplementalGroups ?? []).flatMap((id, i) => idProblems(`${path}.supplementalGroups[${i}]`, id)),
  );
  if (hostPID && spec.shareProcessNamespace) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    problems.push(invalidValue(`${path}.shareProcessNamespace`, true, why));
  }
  const seen = new Set<string>();
  for (const [i, { name }] of (context.sysctls ?? []).entries()) {
    const at = `${path}.sysctls[${i}].name`;
    if (!name) problems.push(required(at));
    else if (name.length > 253 || !SYSCTL.test(name)) {
      problems.push(invalidValue(at, name, `must have at most 253 characters and match regex ${SYSCTL_PATTERN}`));
    } else if (seen.has(name)) problems.push(duplicate(at, name));
    seen.add(name);
    const of = namespaceOf(name ?? '');
    if (hostNetwork && of === 'net')
      problems.push(invalidValue(at, name, "may not be specified when 'hostNetwork' is true"));
    else if (hostIPC && of === 'ipc')
      problems.push(invalidValue(at, name, "may not be specified when 'hostIPC' is true"));
  }
  problems.push(
    ...oneOf(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...profileProblems(context.seccompProfile, `${path}.seccompProfile`, 'seccomp'),
    ...windowsProblems(context.windowsOptions, `${path}.windowsOptions`),
    ...profileProblems(context.appArmorProfile, `${path}.appArmorProfile`, 'AppArmor'),
    ...oneOf(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...oneOf(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']),
  );
  return problems;
}

export function containerSecurityProblems(
  context: SecurityContext | undefined,
  path: string,
  hostUsers: boolean,
): FieldProblem[] {
  if (context === undefined) return [];
  const { privileged, allowPrivilegeEscalation, capabilities, procMount } = context;
  const problems: FieldProblem[] = [
    ...idProblems(`${path}.runAsUser`, context.runAsUser),
    ...idProblems(`${path}.runAsGroup`, context.runAsGroup),
    ...oneOf(`${path}.procMount`, procMount, ['Default', 'Unmasked']),
  ];
  if (hostUsers && procMount === 'Unmasked') {
    const why = '`hostUsers` must be false to use `Unmasked`';
    problems.push(invalidValue(`${path}.procMount`, procMount, why));
  }
  problems.push(...profileProblems(context.seccompProfile, `${path}.seccompProfile`, 'seccomp'));
  if (allowPrivilegeEscalation === false) {
    if (privileged) {
      const why = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true';
      problems.push(invalidValue(path, new Printed(goJson(Schema, context)), why));
    }
    if (capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      const why = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN';
      problems.push(invalidValue(path, new Printed(goJson(Schema, context)), why));
    }
  }
  problems.push(
    ...windowsProblems(context.windowsOptions, `${path}.windowsOptions`),
    ...profileProblems(context.appArmorProfile, `${path}.appArmorProfile`, 'AppArmor'),
  );
  return problems;
}

const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function profileProblems(
  profile: SeccompProfile | undefined,
  path: string,
  of: 'seccomp' | 'AppArmor',
): FieldProblem[] {
  if (profile === undefined) return [];
  const type: string | undefined = profile.type;
  const { localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  if (of === 'AppArmor') return appArmorProblems(type, localhostProfile, path);
  const problems = !type
    ? [required(`${path}.type`, 'type is required when seccompProfile is set')]
    : oneOf(`${path}.type`, type, PROFILES);
  if (type === 'Localhost') {
    if (localhostProfile === undefined) problems.push(required(at, 'must be set when seccomp type is Localhost'));
    else problems.push(...localDescendingPath(at, localhostProfile));
  } else if (localhostProfile !== undefined) {
    const shown = new Printed(goJson(SeccompSchema, profile));
    problems.push(invalidValue(at, shown, 'can only be set when seccomp type is Localhost'));
  }
  return problems;
}

const APP_ARMOR_MAX = 4095;

function appArmorProblems(type: string | undefined, profile: string | undefined, path: string): FieldProblem[] {
  const at = `${path}.localhostProfile`;
  if (!type) return [required(`${path}.type`, 'type is required when appArmorProfile is set')];
  if (!PROFILES.includes(type)) return [notSupported(`${path}.type`, type, PROFILES)];
  if (type !== 'Localhost') {
    return profile === undefined ? [] : [invalidValue(at, profile, 'can only be set when AppArmor type is Localhost')];
  }
  if (profile === undefined) return [required(at, 'must be set when AppArmor type is Localhost')];
  const problems: FieldProblem[] = [];
  if (profile.trim() !== profile) problems.push(invalidValue(at, profile, 'must not be padded with whitespace'));
  else if (profile === '') problems.push(required(at, 'must be set when AppArmor type is Localhost'));
  return profile.length > APP_ARMOR_MAX ? [...problems, tooLong(at, APP_ARMOR_MAX)] : problems;
}

// Whom processes run as and what the kernel lets them do.
import { dns1123Subdomain } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import {
  SecurityContext as Schema,
  type SeccompProfile,
  type SecurityContext,
  type WindowsSecurityContextOptions,
} from '../../../api/types/core/security-context.ts';
import { goJson } from './go-value.ts';
import { localDescendingPath } from './paths.ts';
import { duplicate, forbidden, invalidValue, notSupported, Printed, required } from './problems.ts';
import { oneOf } from './values.ts';

const ID_MAX = 2147483647;
const NOT_AN_ID = `must be between 0 and ${ID_MAX}, inclusive`;

export function idProblems(path: string, id: number | undefined): FieldProblem[] {
  return id === undefined || (id >= 0 && id <= ID_MAX) ? [] : [invalidValue(path, id, NOT_AN_ID)];
}

const SYSCTL_PATTERN = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const IPC_SYSCTLS = ['kernel.shm', 'kernel.msg', 'fs.mqueue.', 'kernel.sem'];

export function podSecurityProblems(spec: PodSpec, specPath: string): FieldProblem[] {
  const { securityContext: context = {}, hostPID, hostIPC, hostNetwork } = spec;
  const path = `${specPath}.securityContext`;
  const problems: FieldProblem[] = [
    ...idProblems(`${path}.fsGroup`, context.fsGroup),
    ...idProblems(`${path}.runAsUser`, context.runAsUser),
    ...idProblems(`${path}.runAsGroup`, context.runAsGroup),
    ...(context.supplementalGroups ?? []).flatMap((id, i) => idProblems(`${path}.supplementalGroups[${i}]`, id)),
  ];
  if (hostPID && spec.shareProcessNamespace) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled.';
    problems.push(invalidValue(`${specPath}.shareProcessNamespace`, true, why));
  }
  const seen = new Set<string>();
  for (const [i, { name }] of (context.sysctls ?? []).entries()) {
    const at = `${path}.sysctls[${i}].name`;
    const dotted = name?.replaceAll('/', '.');
    if (!name) problems.push(required(at));
    else if (name.length > 253 || !SYSCTL.test(name)) {
      problems.push(invalidValue(at, name, `must have at most 253 characters and match regex ${SYSCTL_PATTERN}`));
    } else if (seen.has(dotted)) problems.push(duplicate(at, name));
    else if (hostNetwork && dotted.startsWith('net.')) {
      problems.push(invalidValue(at, name, "may not be specified when 'hostNetwork' is set to true"));
    } else if (hostIPC && IPC_SYSCTLS.some((prefix) => dotted.startsWith(prefix))) {
      problems.push(invalidValue(at, name, "may not be specified when 'hostIPC' is set to true"));
    }
    seen.add(dotted);
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
  if (of === 'AppArmor') {
    const problems = localhostAppArmor(type, localhostProfile, at);
    if (!type) return [required(`${path}.type`, 'type is required when appArmorProfile is set'), ...problems];
    return PROFILES.includes(type) ? problems : [notSupported(`${path}.type`, type, PROFILES), ...problems];
  }
  if (!type) return [required(`${path}.type`, 'type is required when seccompProfile is set')];
  if (!PROFILES.includes(type)) return [notSupported(`${path}.type`, type, PROFILES)];
  if (type === 'Localhost') {
    if (!localhostProfile) return [required(at, 'must be set when seccomp type is Localhost')];
    return localDescendingPath(at, localhostProfile);
  }
  if (localhostProfile === undefined) return [];
  return [invalidValue(at, localhostProfile, 'can only be set when seccomp type is Localhost')];
}

function localhostAppArmor(type: string | undefined, profile: string | undefined, at: string): FieldProblem[] {
  if (type !== 'Localhost') {
    return profile === undefined ? [] : [invalidValue(at, profile, 'can only be set when AppArmor type is Localhost')];
  }
  const trimmed = profile?.trim();
  if (!trimmed) return [required(at, 'must be set when AppArmor type is Localhost')];
  if (trimmed !== profile) return [invalidValue(at, profile, 'must not be padded with whitespace')];
  return profile.length > 4095 ? [invalidValue(at, profile, 'may not be more than 4095 bytes')] : [];
}

function windowsProblems(options: WindowsSecurityContextOptions | undefined, path: string): FieldProblem[] {
  if (options === undefined) return [];
  const problems: FieldProblem[] = [];
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  if (name !== undefined) {
    for (const why of dns1123Subdomain(name)) problems.push(invalidValue(`${path}.gmsaCredentialSpecName`, name, why));
  }
  if (spec === '')
    problems.push(invalidValue(`${path}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec cannot be an empty string'));
  if (user === '')
    problems.push(invalidValue(`${path}.runAsUserName`, user, 'runAsUserName cannot be an empty string'));
  return problems;
}

/** Fields that Windows has no use for, when a pod says that it is for Windows. */
const NOT_FOR_WINDOWS_POD = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
] as const;

export function osProblems(spec: PodSpec, path: string): FieldProblem[] {
  if (spec.os === undefined) return [];
  const { name } = spec.os;
  if (!name) return [required(`${path}.os.name`)];
  if (name !== 'linux' && name !== 'windows') return [notSupported(`${path}.os`, name, ['linux', 'windows'])];
  const context = spec.securityContext ?? {};
  const unfit = (field: string, os: string) => forbidden(field, `cannot be set for a ${os} pod`);
  if (name === 'linux') {
    const problems = context.windowsOptions
      ? [forbidden(`${path}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod')]
      : [];
    return problems;
  }
  const problems = NOT_FOR_WINDOWS_POD.filter((field) => context[field] !== undefined).map((field) =>
    unfit(`${path}.securityContext.${field}`, 'windows'),
  );
  for (const field of ['hostPID', 'hostIPC', 'hostUsers'] as const) {
    if (spec[field]) problems.push(unfit(`${path}.${field}`, 'windows'));
  }
  if (spec.shareProcessNamespace) problems.push(unfit(`${path}.shareProcessNamespace`, 'windows'));
  return problems;
}

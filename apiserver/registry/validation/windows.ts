// What only pods for Windows have, and what they cannot have.
import { dns1123Subdomain } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import type { SecurityContext, WindowsSecurityContextOptions } from '../../../api/types/core/security-context.ts';
import { forbidden, invalidValue, notSupported, required } from './problems.ts';
import { named } from './values.ts';

const SPEC_MAX_KIB = 64;
const DOMAIN_MAX = 256;
const USER_MAX = 104;
const CONTROL = /\p{Cc}/u;
const NET_BIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const DNS_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const DNS_NAME = new RegExp(`^${DNS_LABEL}(?:\\.${DNS_LABEL})*$`);

export function windowsProblems(options: WindowsSecurityContextOptions | undefined, path: string): FieldProblem[] {
  if (options === undefined) return [];
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  const problems: FieldProblem[] = [];
  if (name !== undefined) problems.push(...named(`${path}.gmsaCredentialSpecName`, name, dns1123Subdomain));
  const at = `${path}.gmsaCredentialSpec`;
  if (spec === '') problems.push(invalidValue(at, spec, 'gmsaCredentialSpec cannot be an empty string'));
  else if (spec !== undefined && Buffer.byteLength(spec) > SPEC_MAX_KIB * 1024) {
    problems.push(invalidValue(at, spec, `gmsaCredentialSpec size must be under ${SPEC_MAX_KIB} KiB`));
  }
  if (user === undefined) return problems;
  return [...problems, ...userProblems(user).map((why) => invalidValue(`${path}.runAsUserName`, user, why))];
}

/** `domain\user` or `user`. */
function userProblems(text: string): string[] {
  if (text === '') return ['runAsUserName cannot be an empty string'];
  if (CONTROL.test(text)) return ['runAsUserName cannot contain control characters'];
  const parts = text.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const problems: string[] = [];
  if (domain !== undefined && domain.length >= DOMAIN_MAX) {
    problems.push(`runAsUserName's Domain length must be under ${DOMAIN_MAX} characters`);
  }
  if (domain !== undefined && !NET_BIOS.test(domain) && !DNS_NAME.test(domain)) {
    problems.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === '') problems.push("runAsUserName's User cannot be empty");
  else if (user.length > USER_MAX) {
    problems.push(`runAsUserName's User length must not be longer than ${USER_MAX} characters`);
  }
  if (/^[. ]+$/.test(user)) problems.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    problems.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  }
  return problems;
}

function containersOf(spec: PodSpec) {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map(({ securityContext }, i) => ({ context: securityContext, at: `${list}[${i}]` })),
  );
}

function asksForHost({ initContainers, containers, ephemeralContainers }: PodSpec): boolean {
  const asks = (all: readonly { securityContext?: SecurityContext }[] | undefined) =>
    all?.some(({ securityContext }) => securityContext?.windowsOptions?.hostProcess !== undefined) === true;
  return asks(initContainers) || asks(containers) || asks(ephemeralContainers);
}

/** Processes on the host itself: all containers of a pod are such, or none. */
export function hostProcessProblems(spec: PodSpec, path: string): FieldProblem[] {
  const own = spec.securityContext?.windowsOptions?.hostProcess;
  const problems: FieldProblem[] = [];
  if (own === undefined && !asksForHost(spec)) return problems;
  const containers = containersOf(spec);
  let count = 0;
  for (const { context, at } of containers) {
    const its = context?.windowsOptions?.hostProcess;
    if (own !== undefined && its !== undefined && own !== its) {
      const why = `pod hostProcess value must be identical if both are specified, was ${own}`;
      problems.push(invalidValue(`${path}.${at}.securityContext.windowsOptions.hostProcess`, its, why));
    }
    if (its ?? own) count++;
  }
  if (count === 0) return problems;
  if (count !== containers.length) {
    const why = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    problems.push(invalidValue(path, '', why));
  }
  if (!spec.hostNetwork) {
    const why = 'hostNetwork must be true if pod contains any hostProcess containers';
    problems.push(invalidValue(`${path}.hostNetwork`, false, why));
  }
  return problems;
}

const OF_POD = [
  ['securityContext', 'appArmorProfile'],
  ['securityContext', 'seLinuxOptions'],
  ['hostUsers'],
  ['hostPID'],
  ['hostIPC'],
  ['securityContext', 'seccompProfile'],
  ['securityContext', 'fsGroup'],
  ['securityContext', 'fsGroupChangePolicy'],
  ['securityContext', 'sysctls'],
  ['shareProcessNamespace'],
  ['securityContext', 'runAsUser'],
  ['securityContext', 'runAsGroup'],
  ['securityContext', 'supplementalGroups'],
  ['securityContext', 'supplementalGroupsPolicy'],
  ['securityContext', 'seLinuxChangePolicy'],
] as const;
/** There is no telling false from absent with these. */
const FLAGS: readonly string[] = ['hostPID', 'hostIPC'];
const OF_CONTAINERS = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const;

export function osProblems(spec: PodSpec, path: string): FieldProblem[] {
  if (spec.os === undefined) return [];
  const { name } = spec.os;
  if (!name) return [required(`${path}.os.name`)];
  if (name === 'linux') return forLinux(spec, path);
  return name === 'windows' ? forWindows(spec, path) : [notSupported(`${path}.os`, name, ['linux', 'windows'])];
}

function forLinux(spec: PodSpec, path: string): FieldProblem[] {
  const all = [{ context: spec.securityContext, at: '' }, ...containersOf(spec)];
  return all
    .filter(({ context }) => context?.windowsOptions !== undefined)
    .map(({ at }) => {
      const where = at === '' ? path : `${path}.${at}`;
      return forbidden(`${where}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod');
    });
}

function forWindows(spec: PodSpec, path: string): FieldProblem[] {
  const unfit = (field: string) => forbidden(`${path}.${field}`, 'cannot be set for a windows pod');
  const valueAt = (steps: readonly string[]) =>
    steps.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], spec);
  const isSet = (steps: readonly string[]) => {
    const value = valueAt(steps);
    if (FLAGS.includes(steps[0]!)) return value === true;
    return value !== undefined && !(Array.isArray(value) && value.length === 0);
  };
  return [
    ...OF_POD.filter(isSet).map((steps) => unfit(steps.join('.'))),
    ...containersOf(spec).flatMap(({ context, at }) =>
      OF_CONTAINERS.filter((field) => context?.[field] !== undefined).map((field) =>
        unfit(`${at}.securityContext.${field}`),
      ),
    ),
  ];
}

// The roles and bindings that every cluster begins with, as objects. At each start what is missing is made, and what
// was narrowed is widened again, unless an annotation says hands off.
import type { KubeObject } from '../../api/schema/kind.ts';
import type { ResourceRule } from './authorizer.ts';
import { componentRoles } from './component-roles.ts';
import { controllerRoles } from './controller-roles.ts';
import { events, READ, rule } from './role-words.ts';

const GROUP = 'rbac.authorization.k8s.io';
const LABEL = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
export const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const AGGREGATE = `${GROUP}/aggregate-to-`;

export interface BootstrapObject {
  readonly apiVersion: string;
  readonly kind: 'ClusterRole' | 'Role' | 'ClusterRoleBinding' | 'RoleBinding';
  readonly metadata: Partial<KubeObject['metadata']> & { readonly name: string };
  readonly rules?: readonly ResourceRule[];
  readonly aggregationRule?: object;
  readonly roleRef?: object;
  readonly subjects?: readonly object[];
}

const base = (name: string, labels: Record<string, string> = {}, namespace?: string) => ({
  name,
  ...(namespace !== undefined && { namespace }),
  labels: { ...LABEL, ...labels },
  annotations: { [AUTOUPDATE]: 'true' },
});
const apiVersion = `${GROUP}/v1`;

function clusterRole(name: string, rules: readonly ResourceRule[], labels?: Record<string, string>): BootstrapObject {
  return { apiVersion, kind: 'ClusterRole', metadata: base(name, labels), rules };
}

/** Its rules are those of all cluster roles with the label; a controller puts them together. */
function aggregated(name: string, into?: string): BootstrapObject {
  const labels: Record<string, string> = into === undefined ? {} : { [`${AGGREGATE}${into}`]: 'true' };
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { [`${AGGREGATE}${name}`]: 'true' } }] };
  return { apiVersion, kind: 'ClusterRole', metadata: base(name, labels), rules: [], aggregationRule };
}

type Subject = { kind: 'User' | 'Group' | 'ServiceAccount'; name: string };
const user = (name: string): Subject => ({ kind: 'User', name });
const group = (name: string): Subject => ({ kind: 'Group', name });
const account = (name: string): Subject => ({ kind: 'ServiceAccount', name });

const asSubject = ({ kind, name }: Subject) =>
  kind === 'ServiceAccount' ? { kind, name, namespace: 'kube-system' } : { kind, apiGroup: GROUP, name };

function clusterBinding(name: string, subjects: readonly Subject[], role = name): BootstrapObject {
  const roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name: role };
  const kind = 'ClusterRoleBinding';
  return { apiVersion, kind, metadata: base(name), roleRef, subjects: subjects.map(asSubject) };
}

const AUTHENTICATED = group('system:authenticated');
const SIGNING = 'system:certificates.k8s.io:certificatesigningrequests';
const UNAUTHENTICATED = group('system:unauthenticated');

const aggregateLabels = (name: string) => {
  const into = /^system:aggregate-to-(.*)$/.exec(name)?.[1];
  return into === undefined ? undefined : { [`${AGGREGATE}${into}`]: 'true' };
};

export function bootstrapObjects(): BootstrapObject[] {
  return [
    ...Object.entries(componentRoles).map(([name, rules]) => clusterRole(name, rules, aggregateLabels(name))),
    ...Object.entries(controllerRoles).map(([name, rules]) => clusterRole(`system:controller:${name}`, rules)),
    aggregated('admin'),
    aggregated('edit', 'admin'),
    aggregated('view', 'edit'),
    clusterBinding('cluster-admin', [group('system:masters')]),
    clusterBinding('system:monitoring', [group('system:monitoring')]),
    clusterBinding('system:discovery', [AUTHENTICATED]),
    clusterBinding('system:basic-user', [AUTHENTICATED]),
    clusterBinding('system:public-info-viewer', [AUTHENTICATED, UNAUTHENTICATED]),
    clusterBinding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
    clusterBinding('system:node-proxier', [user('system:kube-proxy')]),
    clusterBinding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
    clusterBinding('system:kube-scheduler', [user('system:kube-scheduler')]),
    clusterBinding('system:volume-scheduler', [user('system:kube-scheduler')]),
    clusterBinding('system:kube-dns', [account('kube-dns')]),
    clusterBinding('system:node', []),
    clusterBinding('skiff:well-known', [AUTHENTICATED]),
    clusterBinding('skiff:node-network', [group('system:nodes')]),
    clusterBinding('skiff:node-bootstrap', [group('system:bootstrappers')], 'system:node-bootstrapper'),
    clusterBinding('skiff:node-join', [group('system:bootstrappers')], `${SIGNING}:nodeclient`),
    clusterBinding('skiff:node-renewal', [group('system:nodes')], `${SIGNING}:selfnodeclient`),
    ...Object.keys(controllerRoles).map((name) => clusterBinding(`system:controller:${name}`, [account(name)])),
    ...inKubeSystem(),
  ];
}

/** Rights in kube-system alone: leader election, and what extension servers read. */
function inKubeSystem(): BootstrapObject[] {
  const role = (name: string, rules: readonly ResourceRule[]): BootstrapObject => ({
    apiVersion,
    kind: 'Role',
    metadata: base(name, {}, 'kube-system'),
    rules,
  });
  const binding = (name: string, subjects: readonly Subject[]): BootstrapObject => ({
    apiVersion,
    kind: 'RoleBinding',
    metadata: base(name, {}, 'kube-system'),
    roleRef: { apiGroup: GROUP, kind: 'Role', name },
    subjects: subjects.map(asSubject),
  });
  const reader = 'extension-apiserver-authentication-reader';
  const locking = (component: string, own: string): BootstrapObject[] => {
    const name = `system::leader-locking-${component}`;
    const rules = [rule('watch', 'core', 'configmaps'), rule('get update', 'core', 'configmaps', component)];
    return [role(name, rules), binding(name, [user(`system:${component}`), account(own)])];
  };
  return [
    role(reader, [rule(READ, 'core', 'configmaps', 'extension-apiserver-authentication')]),
    {
      ...binding(reader, [user('system:kube-controller-manager'), user('system:kube-scheduler')]),
      metadata: base(`system::${reader}`, {}, 'kube-system'),
    },
    role('system:controller:token-cleaner', [rule('delete get list watch', 'core', 'secrets'), events]),
    binding('system:controller:token-cleaner', [account('token-cleaner')]),
    ...locking('kube-controller-manager', 'kube-controller-manager'),
    ...locking('kube-scheduler', 'kube-scheduler'),
  ];
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Level, type PodLike, violations } from '../../../apiserver/admission/pod-security-checks.ts';

const safe = {
  name: 'app',
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
};
const nonRoot = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };

const cases: {
  it: string;
  spec: object;
  annotations?: Record<string, string>;
  level?: Level;
  minor?: number;
  wants: string[];
}[] = [
  { it: 'lets anything into privileged', level: 'privileged', spec: { hostPID: true, containers: [] }, wants: [] },
  { it: 'lets a plain pod into baseline', level: 'baseline', spec: { containers: [{ name: 'app' }] }, wants: [] },
  { it: 'lets a safe pod into restricted', spec: { containers: [safe], securityContext: nonRoot }, wants: [] },
  {
    it: 'says what a plain pod lacks',
    spec: { containers: [{ name: 'a' }, { name: 'b' }] },
    wants: [
      'allowPrivilegeEscalation != false (containers "a", "b" must set securityContext.allowPrivilegeEscalation=false)',
      'unrestricted capabilities (containers "a", "b" must set securityContext.capabilities.drop=["ALL"])',
      'runAsNonRoot != true (pod or containers "a", "b" must set securityContext.runAsNonRoot=true)',
      'seccompProfile (pod or containers "a", "b" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
  },
  {
    it: 'asks older versions for less',
    minor: 22,
    spec: { containers: [safe], securityContext: { ...nonRoot, runAsUser: 0 } },
    wants: [],
  },
  {
    it: 'lists what of the host is used',
    level: 'baseline',
    spec: {
      hostNetwork: true,
      hostIPC: true,
      volumes: [{ name: 'h', hostPath: { path: '/' } }],
      containers: [{ name: 'app', ports: [{ hostPort: 80 }, { hostPort: 9 }], securityContext: { privileged: true } }],
    },
    wants: [
      'host namespaces (hostNetwork=true, hostIPC=true)',
      'hostPath volumes (volume "h")',
      'hostPort (container "app" uses hostPorts 9, 80)',
      'privileged (container "app" must not set securityContext.privileged=true)',
    ],
  },
  {
    it: 'looks at init and ephemeral containers too',
    level: 'baseline',
    spec: {
      initContainers: [{ name: 'i', securityContext: { capabilities: { add: ['NET_ADMIN'] } } }],
      containers: [{ name: 'app', securityContext: { capabilities: { add: ['CHOWN'] } } }],
      ephemeralContainers: [{ name: 'e', securityContext: { procMount: 'Unmasked' } }],
    },
    wants: [
      'non-default capabilities (container "i" must not include "NET_ADMIN" in securityContext.capabilities.add)',
      'procMount (container "e" must not set securityContext.procMount to "Unmasked")',
    ],
  },
  {
    it: 'names volumes by their type where only some are allowed',
    spec: {
      containers: [safe],
      securityContext: nonRoot,
      volumes: [
        { name: 'n', nfs: {} },
        { name: 'h', hostPath: {} },
        { name: 'e', emptyDir: {} },
      ],
    },
    wants: ['restricted volume types (volumes "n", "h" use restricted volume types "hostPath", "nfs")'],
  },
  {
    it: 'knows sysctls by version',
    level: 'baseline',
    minor: 28,
    spec: {
      containers: [],
      securityContext: { sysctls: [{ name: 'net.ipv4.tcp_fin_timeout' }, { name: 'net.ipv4.tcp_syncookies' }] },
    },
    wants: ['forbidden sysctls (net.ipv4.tcp_fin_timeout)'],
  },
  {
    it: 'puts what a pod and its containers say into one sentence',
    level: 'baseline',
    annotations: { 'container.apparmor.security.beta.kubernetes.io/app': 'unconfined' },
    spec: {
      containers: [{ name: 'app', securityContext: { seLinuxOptions: { type: 'x' } } }],
      securityContext: { seLinuxOptions: { user: 'u' }, seccompProfile: { type: 'Unconfined' } },
    },
    wants: [
      'forbidden AppArmor profile (annotation "container.apparmor.security.beta.kubernetes.io/app="unconfined"")',
      'seLinuxOptions (pod and container "app" set forbidden securityContext.seLinuxOptions: type "x"; user may not be set)',
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
  },
];
for (const { it, spec, annotations, level = 'restricted', minor = Infinity, wants } of cases) {
  test(`pod security ${it}`, () => {
    const found = violations({ metadata: { annotations }, spec } as unknown as PodLike, { level, minor });
    assert.deepEqual(
      found.map(({ reason, detail }) => `${reason} (${detail})`),
      wants,
    );
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../../../api/schema/decode.ts';
import { applyDefaults } from '../../../../api/schema/defaults.ts';
import { Pod } from '../../../../api/types/core/pod.ts';
import { podCreateProblems } from '../../../../apiserver/registry/validation/pod-spec.ts';
import { podWarnings } from '../../../../apiserver/registry/validation/pod-warnings.ts';
import {
  ephemeralContainersProblems,
  podUpdateProblems,
  resizeProblems,
} from '../../../../apiserver/registry/validation/pods.ts';
import { rows } from './rows.ts';

type Fields = Record<string, unknown>;

function aPod(spec: Fields, container: Fields = {}, metadata: Fields = {}): Pod {
  const containers = [{ name: 'app', image: 'app:1', ...container }];
  const body = { metadata: { name: 'p', namespace: 'ns', ...metadata }, spec: { containers, ...spec }, status: {} };
  const pod = decode(Pod, body).value as Pod;
  applyDefaults(Pod, pod);
  return pod;
}
const probe = (more: Fields) => ({ exec: { command: ['true'] }, ...more });

const refused: { it: string; spec?: Fields; container?: Fields; says: string[] }[] = [
  { it: 'accepts the smallest pod', says: [] },
  {
    it: 'wants a pod to have containers',
    spec: { containers: [] },
    says: ['spec.containers: Required value'],
  },
  {
    it: 'wants requests within limits',
    container: { resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } },
    says: ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
  },
  {
    it: 'wants extended resources to be requested as they are limited',
    container: { resources: { requests: { 'example.com/gpu': '1' } } },
    says: ['spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources'],
  },
  {
    it: 'knows the divisors of processor time',
    container: {
      env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '10m' } } }],
    },
    says: [
      'spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s ' +
        'values 1m and 1 are supported with the cpu resource',
    ],
  },
  {
    it: 'wants one source for a variable',
    container: { env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
    says: ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
  },
  {
    it: 'lets labels be shown one by one, and not all at once, to variables',
    container: {
      env: [
        { name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } },
      ],
    },
    says: [
      'spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: ' +
        '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", ' +
        '"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
    ],
  },
  {
    it: 'lets only init containers that stay be probed',
    spec: {
      initContainers: [
        { name: 'a', image: 'a', livenessProbe: probe({}) },
        { name: 'b', image: 'b', restartPolicy: 'Always', livenessProbe: probe({}) },
      ],
    },
    says: [
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
  },
  {
    it: 'lets a port of the host be taken once',
    spec: {
      containers: ['a', 'b'].map((name) => ({ name, image: name, ports: [{ containerPort: 80, hostPort: 8080 }] })),
    },
    says: ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//8080"'],
  },
  {
    it: 'wants one type for each volume',
    spec: { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/a' } }] },
    says: ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
  },
  {
    it: 'keeps projected files apart',
    spec: {
      volumes: [
        {
          name: 'v',
          projected: {
            sources: ['a', 'b'].map((name) => ({ configMap: { name, items: [{ key: 'k', path: 'same' }] } })),
          },
        },
      ],
    },
    says: ['spec.volumes[0].projected: Invalid value: "b": conflicting duplicate paths'],
  },
  {
    it: 'does not take the host of a pod that has users of its own',
    spec: { hostUsers: false, hostPID: true },
    says: ['spec.HostPID: Forbidden: when `hostUsers` is false'],
  },
  {
    it: 'does not let a privileged container escalate and not escalate',
    container: { securityContext: { privileged: true, allowPrivilegeEscalation: false } },
    says: [
      'spec.containers[0].securityContext: Invalid value: {"Capabilities":null,"Privileged":true,"SELinuxOptions":null,' +
        '"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,' +
        '"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":null}: cannot set ' +
        '`allowPrivilegeEscalation` to false and `privileged` to true',
    ],
  },
  {
    it: 'wants node selectors with one number to compare with',
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['1', '2'] }] }],
          },
        },
      },
    },
    says: [
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]' +
        ".matchExpressions[0].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
    ],
  },
];
for (const { it, spec = {}, container, says } of refused) {
  test(`podCreateProblems ${it}`, () => assert.deepEqual(rows(podCreateProblems(aPod(spec, container))), says));
}

const updates: { it: string; was?: Fields; now: Fields; says: string[] }[] = [
  { it: 'lets images change', now: { containers: [{ name: 'app', image: 'app:2' }] }, says: [] },
  {
    it: 'lets a deadline come nearer and never move away',
    was: { activeDeadlineSeconds: 10 },
    now: { activeDeadlineSeconds: 20 },
    says: ['spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value'],
  },
  {
    it: 'lets tolerations be added',
    was: { tolerations: [{ key: 'a', operator: 'Exists' }] },
    now: {
      tolerations: [
        { key: 'a', operator: 'Exists' },
        { key: 'b', operator: 'Exists' },
      ],
    },
    says: [],
  },
  {
    it: 'keeps tolerations that are there',
    was: { tolerations: [{ key: 'a', operator: 'Exists' }] },
    now: { tolerations: [] },
    says: ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
  },
  {
    it: 'lets a pod that is held back be told where to go',
    was: { schedulingGates: [{ name: 'g' }] },
    now: { schedulingGates: [{ name: 'g' }], nodeSelector: { zone: 'a' } },
    says: [],
  },
  {
    it: 'keeps the number of containers',
    now: { containers: ['app', 'two'].map((name) => ({ name, image: 'app:1' })) },
    says: ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  },
];
for (const { it, was = {}, now, says } of updates) {
  test(`podUpdateProblems ${it}`, () => {
    assert.deepEqual(rows(podUpdateProblems(aPod(now), aPod(was))), says);
  });
}

test('podUpdateProblems shows what changed as upstream has it', () => {
  const [row] = podUpdateProblems(aPod({ hostNetwork: true }), aPod({}));
  assert.equal(row!.path, 'spec');
  const [, ...difference] = row!.message.split('\n');
  assert.match(difference[0]!, /^@@ -\d+,7 \+\d+,7 @@$/);
  assert.deepEqual(
    difference.filter((line) => /^[-+]/.test(line)),
    ['-  "HostNetwork": false,', '+  "HostNetwork": true,'],
  );
});

test('ephemeral containers come and do not go', () => {
  const was = aPod({ ephemeralContainers: [{ name: 'dbg', image: 'd' }] });
  const found = rows(ephemeralContainersProblems(aPod({}), was));
  assert.deepEqual(found, [
    'spec.ephemeralContainers: Forbidden: existing ephemeral containers "dbg" may not be removed\n',
  ]);
});

test('a pod is warned of variables that hide one another, unless one is made of the other', () => {
  const env = [
    { name: 'A', value: '1' },
    { name: 'A', value: '$(A)2' },
    { name: 'A', value: '3' },
  ];
  assert.deepEqual(podWarnings(aPod({}, { env }), undefined), [
    'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply',
  ]);
});

const sized = (requests: Fields, limits?: Fields) => aPod({}, { resources: { requests, ...(limits && { limits }) } });
const resizes: { it: string; was: Pod; now: Pod; says: string[] }[] = [
  { it: 'lets amounts change', was: sized({ cpu: '1' }), now: sized({ cpu: '2' }), says: [] },
  {
    it: 'keeps what is asked for',
    was: sized({ cpu: '1', memory: '1Gi' }),
    now: sized({ cpu: '1' }),
    says: ['spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed'],
  },
  {
    it: 'keeps the class of the pod',
    was: sized({ cpu: '1', memory: '1Gi' }, { cpu: '2', memory: '1Gi' }),
    now: sized({ cpu: '2', memory: '1Gi' }, { cpu: '2', memory: '1Gi' }),
    says: ['spec: Invalid value: "": Pod QOS Class may not change as a result of resizing'],
  },
  {
    it: 'leaves all other resources alone',
    was: sized({ cpu: '1', 'ephemeral-storage': '1Gi' }),
    now: sized({ cpu: '1', 'ephemeral-storage': '2Gi' }),
    says: ['spec: Forbidden: only cpu and memory resources are mutable'],
  },
];
for (const { it, was, now, says } of resizes) {
  test(`resizeProblems ${it}`, () => assert.deepEqual(rows(resizeProblems(now, was)), says));
}

test('a pod that is wrong in 200,000 places is told of all of them', () => {
  const many = Array.from({ length: 200_000 }, () => ({ name: '' }));
  const env = Array.from({ length: 200_000 }, () => ({ name: 'A', value: 'a' }));
  const spec = { containers: [{ name: 'a', image: 'a', env: many }] };
  assert.ok(podCreateProblems({ metadata: { name: 'a' }, spec } as unknown as Pod).length >= 200_000);
  const twice = { containers: [{ name: 'a', image: 'a', env }] };
  assert.equal(podWarnings({ metadata: { name: 'a' }, spec: twice } as unknown as Pod, undefined).length, 199_999);
});

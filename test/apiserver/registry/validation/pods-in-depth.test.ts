import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../../../api/schema/decode.ts';
import { applyDefaults } from '../../../../api/schema/defaults.ts';
import type { FieldProblem } from '../../../../api/status.ts';
import { Pod } from '../../../../api/types/core/pod.ts';
import { podCreateProblems } from '../../../../apiserver/registry/validation/pod-spec.ts';
import { podStatusProblems } from '../../../../apiserver/registry/validation/pod-status.ts';
import { podUpdateProblems } from '../../../../apiserver/registry/validation/pods.ts';
import { rows } from './rows.ts';

type Fields = Record<string, unknown>;

function aPod(spec: Fields = {}, container: Fields = {}, metadata: Fields = {}, status: Fields = {}): Pod {
  const containers = [{ name: 'app', image: 'app:1', ...container }];
  const body = { metadata: { name: 'p', namespace: 'ns', ...metadata }, spec: { containers, ...spec }, status };
  const pod = decode(Pod, body).value as Pod;
  applyDefaults(Pod, pod);
  return pod;
}
const volume = (source: Fields) => aPod({ volumes: [{ name: 'v', ...source }] });
const env = (valueFrom: Fields) => aPod({}, { env: [{ name: 'A', valueFrom }] });
const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const created: { it: string; pod: Pod; says: string[] }[] = [
  {
    it: 'says of an empty path that it is missing and not absolute',
    pod: volume({ nfs: { server: 's', path: '' } }),
    says: [
      'spec.volumes[0].nfs.path: Required value',
      'spec.volumes[0].nfs.path: Invalid value: "": must be an absolute path',
    ],
  },
  {
    it: 'looks no further at a host path that is empty',
    pod: volume({ hostPath: { path: '', type: 'Odd' } }),
    says: ['spec.volumes[0].hostPath.path: Required value'],
  },
  {
    it: 'knows the three shapes of initiators',
    pod: volume({ iscsi: { targetPortal: 'p', iqn: 'eui.1', lun: 0, initiatorName: 'x' } }),
    says: [
      'spec.volumes[0].iscsi.iqn: Invalid value: "eui.1": must be valid format',
      'spec.volumes[0].iscsi.initiatorname: Invalid value: "x": must be valid format starting with iqn, eui, or naa',
    ],
  },
  {
    it: "names a disk of a cloud as upstream's code does",
    pod: volume({ gcePersistentDisk: { pdName: '', partition: 300 } }),
    says: [
      'spec.volumes[0].persistentDisk.pdName: Required value',
      'spec.volumes[0].persistentDisk.partition: Invalid value: 300: must be between 0 and 255, inclusive',
    ],
  },
  {
    it: 'takes one source for a volume',
    pod: volume({ emptyDir: {}, downwardAPI: {} }),
    says: ['spec.volumes[0].downwarAPI: Forbidden: may not specify more than 1 volume type'],
  },
  {
    it: 'keeps claims it makes apart from claims it names',
    pod: aPod({
      volumes: [
        {
          name: 'a',
          ephemeral: {
            volumeClaimTemplate: {
              metadata: { name: 'x' },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            },
          },
        },
        { name: 'b', persistentVolumeClaim: { claimName: 'p-a' } },
      ],
    }),
    says: [
      'spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set',
      'spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "p-a": must not reference a PVC that gets ' +
        'created for an ephemeral volume',
    ],
  },
  {
    it: 'wants one way to a bundle of trust',
    pod: aPod({
      serviceAccountName: 's',
      volumes: [{ name: 'v', projected: { sources: [{ clusterTrustBundle: { path: 'b' } }] } }],
    }),
    says: [
      'spec.volumes[0].projected.sources[0].clusterTrustBundle: Required value: either name or signerName must be ' +
        'specified',
    ],
  },
  {
    it: 'shows tokens only where there is an account',
    pod: volume({ projected: { sources: [{ serviceAccountToken: { path: '../t' } }] } }),
    says: [
      'spec.volumes[0].projected.path: Invalid value: "../t": must not contain \'..\'',
      'spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when ' +
        'serviceAccountName is not set',
    ],
  },
  {
    it: 'wants names of config maps that can be',
    pod: env({ configMapKeyRef: { name: 'A_b', key: '' } }),
    says: [
      `spec.containers[0].env[0].valueFrom.configMapKeyRef.name: Invalid value: "A_b": ${SUBDOMAIN}`,
      'spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Required value',
    ],
  },
  {
    it: 'says of the whole list that a source of variables is none',
    pod: aPod({}, { envFrom: [{ prefix: 'x' }] }),
    says: ['spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
  },
  {
    it: 'reads variables from files in empty folders',
    pod: aPod(
      { volumes: [{ name: 'v', configMap: { name: 'c' } }] },
      { env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'f', key: 'A' } } }] },
    ),
    says: [
      'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "v": referenced volume must be of ' +
        'type emptyDir',
    ],
  },
  {
    it: 'names the list of mounts where one of them spreads too far',
    pod: aPod(
      { volumes: [{ name: 'v', emptyDir: {} }] },
      { volumeMounts: [{ name: 'v', mountPath: '/m', mountPropagation: 'Bidirectional' }] },
    ),
    says: [
      'spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only ' +
        'to privileged containers',
    ],
  },
  {
    it: 'does not sleep longer than it has to end',
    pod: aPod({ terminationGracePeriodSeconds: 5 }, { lifecycle: { preStop: { sleep: { seconds: 6 } } } }),
    says: [
      'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 6: must be non-negative and less than ' +
        'terminationGracePeriodSeconds (5)',
    ],
  },
  {
    it: 'checks what a sandbox costs as limits are checked',
    pod: aPod({ overhead: { bananas: '1' } }),
    says: [
      'spec.overhead.limits[bananas]: Invalid value: "bananas": must be a standard resource type or fully qualified',
      'spec.overhead.limits[bananas]: Invalid value: "bananas": must be a standard resource for containers',
    ],
  },
  {
    it: 'wants the pod to have what its containers ask for',
    pod: aPod({ resources: { requests: { cpu: '1' } } }, { resources: { requests: { cpu: '2' } } }),
    says: [
      'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container ' +
        'requests of 2',
    ],
  },
  {
    it: 'calls a pod by a name that fits',
    pod: aPod({ hostnameOverride: 'a', setHostnameAsFQDN: true }),
    says: ['spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true'],
  },
  {
    it: 'gives a pod for Windows nothing that is of Linux',
    pod: aPod({ os: { name: 'windows' } }, { securityContext: { privileged: false, runAsUser: 1 } }),
    says: [
      'spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod',
      'spec.containers[0].securityContext.runAsUser: Forbidden: cannot be set for a windows pod',
    ],
  },
  {
    it: 'wants a mirror to be on a node, and profiles of containers that are there',
    pod: aPod(
      {},
      {},
      {
        annotations: {
          'kubernetes.io/config.mirror': 'm',
          'container.apparmor.security.beta.kubernetes.io/other': 'mine',
        },
      },
    ),
    says: [
      'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "m": must set spec.nodeName if mirror pod ' +
        'annotation is set',
      'metadata.annotations[container.apparmor.security.beta.kubernetes.io/other]: Invalid value: "other": container ' +
        'not found',
      'metadata.annotations[container.apparmor.security.beta.kubernetes.io/other]: Invalid value: "mine": invalid ' +
        'AppArmor profile name: "mine"',
    ],
  },
  {
    it: 'wants field and annotation to say the same',
    pod: aPod(
      { securityContext: { seccompProfile: { type: 'Unconfined' } } },
      {},
      {
        annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default' },
      },
    ),
    says: ['spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match'],
  },
  {
    it: 'knows four ways to tolerate of which two are not enabled',
    pod: aPod({ tolerations: [{ key: 'a', operator: 'Gt', value: '1' }] }),
    says: ['spec.tolerations[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt"'],
  },
  {
    it: 'does not take for a claim what is no claim of the pod',
    pod: aPod({}, { resources: { claims: [{ name: 'c' }] } }),
    says: [
      'spec.containers[0].resources.claims[0]: Not found: "c": must be one of the names in pod.spec.resourceClaims ' +
        'which is empty',
    ],
  },
];
for (const { it, pod, says } of created) {
  test(`podCreateProblems ${it}`, () => assert.deepEqual(rows(podCreateProblems(pod)), says));
}

const gated = (spec: Fields) => aPod({ schedulingGates: [{ name: 'g' }], ...spec });
const terms = (...keys: string[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: keys.map((key) => ({ matchExpressions: [{ key, operator: 'Exists' }] })),
      },
    },
  },
});
const PATH = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
const ended = { name: 'app', state: { terminated: { exitCode: 0 } } };
const running = { name: 'app', state: { running: {} } };

const changed: { it: string; found: () => FieldProblem[]; says: string[] }[] = [
  {
    it: 'podUpdateProblems looks at images twice',
    found: () => podUpdateProblems(aPod({}, { image: ' a' }), aPod()),
    says: [
      'spec.containers[0].image: Invalid value: " a": must not have leading or trailing whitespace',
      'spec.containers[0].image: Invalid value: " a": must not have leading or trailing whitespace',
    ],
  },
  {
    it: 'podUpdateProblems lets a held pod have fewer places, not others',
    found: () => podUpdateProblems(gated({ nodeSelector: { a: 'c' } }), gated({ nodeSelector: { a: 'b' } })),
    says: [
      'spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or ' +
        'deletions)',
    ],
  },
  {
    it: 'podUpdateProblems lets the terms of a held pod say more',
    found: () => podUpdateProblems(gated(terms('b')), gated(terms('a'))),
    says: [
      `${PATH}[0]: Invalid value: {"MatchExpressions":[{"Key":"b","Operator":"Exists","Values":null}],` +
        '"MatchFields":null}: only additions are allowed (no mutations or deletions)',
    ],
  },
  {
    it: 'podUpdateProblems keeps the mark of a mirror',
    found: () =>
      podUpdateProblems(
        aPod({ nodeName: 'n' }),
        aPod({ nodeName: 'n' }, {}, { annotations: { 'kubernetes.io/config.mirror': 'm' } }),
      ),
    says: [
      'metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not remove or update mirror pod annotation',
    ],
  },
  {
    it: 'podStatusProblems keeps containers ended that end for good',
    found: () =>
      podStatusProblems(
        aPod({ restartPolicy: 'Never' }, {}, {}, { containerStatuses: [running] }),
        aPod({ restartPolicy: 'Never' }, {}, {}, { containerStatuses: [ended] }),
      ),
    says: ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'],
  },
  {
    it: 'podStatusProblems lets containers start again',
    found: () =>
      podStatusProblems(
        aPod({}, {}, {}, { containerStatuses: [running] }),
        aPod({}, {}, {}, { containerStatuses: [ended] }),
      ),
    says: [],
  },
  {
    it: 'podStatusProblems wants the first address of the host to be its address',
    found: () => podStatusProblems(aPod({}, {}, {}, { hostIP: '1.1.1.1', hostIPs: [{ ip: '1.1.1.2' }] }), aPod()),
    says: ['status.hostIPs[0].ip: Invalid value: "1.1.1.2": must be equal to `hostIP`'],
  },
];
for (const { it, found, says } of changed) test(it, () => assert.deepEqual(rows(found()), says));

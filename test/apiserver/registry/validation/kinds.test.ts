import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../../../api/schema/decode.ts';
import { applyDefaults } from '../../../../api/schema/defaults.ts';
import type { KubeObject } from '../../../../api/schema/kind.ts';
import type { ObjectSchema } from '../../../../api/schema/schema.ts';
import type { FieldProblem } from '../../../../api/status.ts';
import { DaemonSet } from '../../../../api/types/apps/daemon-set.ts';
import { StatefulSet } from '../../../../api/types/apps/stateful-set.ts';
import { CronJob } from '../../../../api/types/batch/cron-job.ts';
import { Job } from '../../../../api/types/batch/job.ts';
import { Secret } from '../../../../api/types/core/config-map.ts';
import { PersistentVolumeClaim } from '../../../../api/types/core/persistent-volume-claim.ts';
import { Service } from '../../../../api/types/core/service.ts';
import { PodDisruptionBudget } from '../../../../api/types/policy/pod-disruption-budget.ts';
import { immutableMetadataProblems } from '../../../../apiserver/registry/metadata.ts';
import { claimUpdateProblems } from '../../../../apiserver/registry/validation/claims.ts';
import { secretProblems } from '../../../../apiserver/registry/validation/config.ts';
import { cronJobProblems } from '../../../../apiserver/registry/validation/cron-jobs.ts';
import { cronScheduleProblem } from '../../../../apiserver/registry/validation/cron-schedules.ts';
import { jobStatusProblems } from '../../../../apiserver/registry/validation/job-status.ts';
import { jobProblems, jobSpecProblems, jobUpdateProblems } from '../../../../apiserver/registry/validation/jobs.ts';
import { budgetProblems } from '../../../../apiserver/registry/validation/policies.ts';
import { serviceProblems, serviceUpdateProblems } from '../../../../apiserver/registry/validation/services.ts';
import { textDiff } from '../../../../apiserver/registry/validation/text-diff.ts';
import {
  daemonSetProblems,
  statefulSetProblems,
  statefulSetUpdateProblems,
} from '../../../../apiserver/registry/validation/workloads.ts';
import { rows } from './rows.ts';

type Fields = Record<string, unknown>;

function made<T extends KubeObject>(schema: ObjectSchema<T>, body: Fields): T {
  const whole = { metadata: { name: 'x', namespace: 'ns', uid: 'u' }, status: {}, ...body };
  const object = decode(schema, whole).value as T;
  applyDefaults(schema, object);
  return object;
}
const template = (more: Fields = {}) => ({
  metadata: { labels: { a: 'b' } },
  spec: { containers: [{ name: 'app', image: 'app:1' }], ...more },
});
const selector = { matchLabels: { a: 'b' } };

const set = (spec: Fields) =>
  made(StatefulSet, { spec: { selector, template: template(), serviceName: 's', ...spec } });
const daemons = (updateStrategy: Fields) =>
  made(DaemonSet, { spec: { selector, template: template(), updateStrategy } });
const job = (spec: Fields) => made(Job, { spec: { template: template({ restartPolicy: 'Never' }), ...spec } });
const cron = (spec: Fields) =>
  made(CronJob, { spec: { schedule: '* * * * *', jobTemplate: { spec: job({}).spec }, ...spec } });
const service = (spec: Fields) => made(Service, { spec: { ports: [{ port: 80 }], ...spec } });
const bound = (storage: string) =>
  made(PersistentVolumeClaim, {
    spec: { accessModes: ['ReadWriteOnce'], volumeName: 'v', resources: { requests: { storage } } },
    status: { phase: 'Bound', capacity: { storage: '2Gi' } },
  });

const claimed = { volumeClaimTemplates: [{ metadata: { name: 'data' } }] };
const mounting = (name: string) => {
  const volumeMounts = [{ name, mountPath: '/data' }];
  return { template: template({ containers: [{ name: 'app', image: 'app:1', volumeMounts }] }) };
};

const cases: { it: string; found: () => FieldProblem[]; says: string[] }[] = [
  {
    it: 'a stateful set keeps the name of its service',
    found: () => statefulSetUpdateProblems(set({ serviceName: 'other' }), set({})),
    says: [
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', " +
        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are " +
        'forbidden',
    ],
  },
  {
    it: "a stateful set's pods mount the claims made for them",
    found: () => statefulSetProblems(set({ ...claimed, ...mounting('data') })),
    says: [],
  },
  {
    it: "a stateful set's pods mount nothing else that there is not",
    found: () => statefulSetProblems(set({ ...claimed, ...mounting('other') })),
    says: ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "other"'],
  },
  {
    it: 'the strategy of a daemon set is shown whole',
    found: () => daemonSetProblems(daemons({ type: 'Never' })),
    says: [
      'spec.updateStrategy: Unsupported value: {"Type":"Never","RollingUpdate":null}: supported values: ' +
        '"RollingUpdate", "OnDelete"',
    ],
  },
  {
    it: 'who waits for an object to go comes in time',
    found: () => {
      const going = (finalizers: string[]) =>
        made(Secret, { metadata: { name: 'x', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers } });
      return immutableMetadataProblems(going(['b.io/b', 'a.io/a', 'c.io/c']), going(['b.io/b']));
    },
    says: [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new ' +
        'finalizers []string{"a.io/a", "c.io/c"}',
    ],
  },
  {
    it: 'a stateful set may be scaled and rolled',
    found: () => statefulSetUpdateProblems(set({ replicas: 3, template: template({ priority: 1 }) }), set({})),
    says: [],
  },
  {
    it: 'a stateful set may keep all of its revisions',
    found: () => statefulSetProblems(set({ revisionHistoryLimit: -1 })),
    says: [],
  },
  {
    it: 'a daemon set surges or is unavailable, not both',
    found: () => daemonSetProblems(daemons({ rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } })),
    says: [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ],
  },
  {
    it: 'an indexed job says how many indexes it has',
    found: () => jobSpecProblems({ ...job({ completionMode: 'Indexed' }).spec, completions: undefined }, 'spec'),
    says: ['spec.completions: Required value: when completion mode is Indexed'],
  },
  {
    it: 'an indexed job may change its size as a whole',
    found: () => {
      const sized = (n: number) => job({ completionMode: 'Indexed', completions: n, parallelism: n, selector });
      return jobUpdateProblems(sized(5), sized(3)).filter(({ path }) => path === 'spec.completions');
    },
    says: [],
  },
  {
    it: 'a suspended job that never started may be placed anew',
    found: () => {
      const placed = (nodeSelector: Fields) =>
        job({ suspend: true, template: template({ restartPolicy: 'Never', nodeSelector }), selector });
      return jobUpdateProblems(placed({ zone: 'a' }), placed({ zone: 'b' })).filter(
        ({ path }) => path === 'spec.template',
      );
    },
    says: [],
  },
  {
    it: 'a suspended job that never started may be sized anew',
    found: () => {
      const sized = (cpu: string) => {
        const containers = [{ name: 'app', image: 'app:1', resources: { requests: { cpu } } }];
        return job({ suspend: true, template: template({ restartPolicy: 'Never', containers }), selector });
      };
      return jobUpdateProblems(sized('1'), sized('2'));
    },
    says: [],
  },
  {
    it: 'a job that runs keeps its template',
    found: () => {
      const named = (name: string) =>
        job({ template: template({ restartPolicy: 'Never', containers: [{ name, image: 'i' }] }), selector });
      return jobUpdateProblems(named('b'), named('a')).map((row) => ({ ...row, message: row.message.slice(0, 60) }));
    },
    says: ['spec.template: Invalid value: {"labels":{"a":"b"},"Spec":{"Volumes":null,"I'],
  },
  {
    it: 'what fails a job is said in full',
    found: () =>
      jobSpecProblems(
        job({
          podFailurePolicy: {
            rules: [{ action: '' }, { action: 'Ignore', onExitCodes: { operator: '', values: [2, 1] } }],
          },
        }).spec,
        'spec',
      ),
    says: [
      'spec.podFailurePolicy.rules[0].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
      'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
      'spec.podFailurePolicy.rules[1].onExitCodes.operator: Required value: valid values: ["In" "NotIn"]',
      'spec.podFailurePolicy.rules[1].onExitCodes.values: Invalid value: [2,1]: must be ordered',
    ],
  },
  {
    it: 'what makes a job succeed counts indexes that there are',
    found: () =>
      jobSpecProblems(
        job({
          completionMode: 'Indexed',
          completions: 5,
          successPolicy: {
            rules: [
              { succeededIndexes: '0-2', succeededCount: 6 },
              { succeededIndexes: '3-1' },
              { succeededIndexes: '9' },
            ],
          },
        }).spec,
        'spec',
      ),
    says: [
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of ' +
        'specified completions)',
      'spec.successPolicy.rules[0].succeededCount: Invalid value: 6: must be less than or equal to 3 (the number of ' +
        'indexes in the specified succeededIndexes field)',
      'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "3-1": error parsing succeededIndexes: ' +
        'non-increasing order, previous: 3, current: 1',
      'spec.successPolicy.rules[2].succeededIndexes: Invalid value: "9": error parsing succeededIndexes: ' +
        'too large index: "9"',
    ],
  },
  {
    it: 'a job that finds its pods itself has the labels made for it',
    found: () =>
      jobProblems(job({ selector: { matchLabels: { 'controller-uid': 'other' } } })).filter(({ path }) =>
        /job-name|spec.selector$/.test(path),
      ),
    says: [
      "spec.template.metadata.labels[job-name]: Required value: must be 'x'",
      "spec.template.metadata.labels[batch.kubernetes.io/job-name]: Required value: must be 'x'",
      'spec.selector: Invalid value: {"matchLabels":{"controller-uid":"other"}}: `selector` not auto-generated',
    ],
  },
  {
    it: 'a job that is done stays so',
    found: () => {
      const done = { type: 'Complete', status: 'True' };
      const said = (status: Fields) => made(Job, { spec: job({}).spec, status });
      return jobStatusProblems(
        said({ active: 1, ready: 2, failed: 0 }),
        said({ conditions: [done], startTime: '2026-01-01T00:00:00Z', failed: 1 }),
      );
    },
    says: [
      'status.ready: Invalid value: 2: cannot set more ready pods than active',
      'status.conditions: Invalid value: cannot disable the terminal Complete=True condition',
      'status.failed: Invalid value: 0: cannot decrease the failed counter',
      'status.startTime: Required value: startTime cannot be removed for unsuspended job',
    ],
  },
  {
    it: 'a job is not done while pods run, nor without having met what it was for',
    found: () => {
      const conditions = [{ type: 'Complete', status: 'True' }];
      return jobStatusProblems(made(Job, { spec: job({}).spec, status: { active: 1, conditions } }), job({}));
    },
    says: [
      'status.completionTime: Required value: completionTime is required for Complete jobs',
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      'status.active: Invalid value: 1: active>0 is invalid for finished job',
      'status.startTime: Required value: startTime is required for finished job',
    ],
  },
  {
    it: 'a cron job names a time zone that there is',
    found: () => cronJobProblems(cron({ timeZone: 'Mars/Phobos' })),
    says: ['spec.timeZone: Invalid value: "Mars/Phobos": unknown time zone Mars/Phobos'],
  },
  {
    it: 'a service without addresses is not for the outside',
    found: () => serviceProblems(service({ type: 'NodePort', clusterIP: 'None', clusterIPs: ['None'] })),
    says: ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
  },
  {
    it: 'a service may turn into a name and back',
    found: () =>
      serviceUpdateProblems(service({ type: 'ExternalName', externalName: 'a.b' }), service({ clusterIP: '10.0.0.1' })),
    says: [],
  },
  { it: 'a bound claim may grow', found: () => claimUpdateProblems(bound('3Gi'), bound('2Gi')), says: [] },
  {
    it: 'a bound claim does not shrink below what it has',
    found: () => claimUpdateProblems(bound('1Gi'), bound('2Gi')),
    says: ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity'],
  },
  {
    it: 'a TLS secret has both of its parts',
    found: () => secretProblems(made(Secret, { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } })),
    says: ['data[tls.key]: Required value'],
  },
  {
    it: 'a budget says one thing',
    found: () => budgetProblems(made(PodDisruptionBudget, { spec: { minAvailable: 1, maxUnavailable: '101%' } })),
    says: [
      'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":"101%",' +
        '"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
      'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
  },
];
for (const { it, found, says } of cases) test(it, () => assert.deepEqual(rows(found()), says));

const schedules: [string, string | undefined][] = [
  ['*/5 0-23/2 1,15 jan-mar mon', undefined],
  ['@hourly', undefined],
  ['@every 1h30m', undefined],
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ['@never', 'unrecognized descriptor: @never'],
];
for (const [text, why] of schedules) {
  test(`the schedule ${text} is ${why === undefined ? 'read' : 'refused'}`, () => {
    assert.equal(cronScheduleProblem(text), why);
  });
}

test('a difference shows three lines around each change', () => {
  const lines = (n: number, at: number) => Array.from({ length: n }, (_, i) => (i === at ? 'new' : `${i}`)).join('\n');
  assert.equal(textDiff(lines(20, -1), lines(20, 9)), '@@ -7,7 +7,7 @@\n 6\n 7\n 8\n-9\n+new\n 10\n 11\n 12\n');
});

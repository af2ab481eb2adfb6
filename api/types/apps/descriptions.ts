// Descriptions of the controllers of pods.
import type { Descriptions } from '../descriptions.ts';

const REPLICAS = 'How many pods there shall be; 1 by default.';
const SELECTOR = 'Labels of its pods. It must match those of the template and cannot change.';
const TEMPLATE = 'The pods to be made.';
const counts = {
  replicas: 'Pods there are.',
  readyReplicas: 'Pods that are ready.',
  availableReplicas: 'Pods that have been ready for minReadySeconds.',
};
const UPDATED = 'Pods of the newest template.';
const TERMINATING = 'Pods that are on their way out.';
const condition = (of: string, types: string) => ({
  '': `One thing that has been found out about a ${of}.`,
  type: types,
  status: 'True, False or Unknown.',
});

export const appsDescriptions: Descriptions = {
  Deployment: { '': 'Keeps so many pods of one template running, and changes them over when the template changes.' },
  DeploymentSpec: {
    '': 'What a deployment should be.',
    replicas: REPLICAS,
    selector: SELECTOR,
    template: TEMPLATE,
    strategy: 'How old pods are replaced by new ones.',
    paused: 'Changes of the template are not carried out.',
    progressDeadlineSeconds: 'After how long without progress a change counts as failed; 600 by default.',
  },
  DeploymentStrategy: {
    '': 'How old pods are replaced by new ones.',
    type: 'RollingUpdate a few at a time, Recreate all old ones first. RollingUpdate by default.',
    rollingUpdate: 'How many at a time.',
  },
  RollingUpdateDeployment: {
    '': 'How many pods change at a time.',
    maxUnavailable: 'How many may be missing, as a number or percentage; 25% by default.',
    maxSurge: 'How many there may be beyond replicas, as a number or percentage; 25% by default.',
  },
  DeploymentStatus: {
    '': 'How a deployment is.',
    ...counts,
    updatedReplicas: UPDATED,
    terminatingReplicas: TERMINATING,
    unavailableReplicas: 'Pods that are still missing.',
  },
  DeploymentCondition: condition('deployment', 'Available, Progressing or ReplicaFailure.'),
  ReplicaSet: { '': 'Keeps so many pods of one template running. Deployments make them.' },
  ReplicaSetSpec: { '': 'What a replica set should be.', replicas: REPLICAS, selector: SELECTOR, template: TEMPLATE },
  ReplicaSetStatus: {
    '': 'How a replica set is.',
    ...counts,
    terminatingReplicas: TERMINATING,
    fullyLabeledReplicas: 'Pods with all labels of the template.',
  },
  ReplicaSetCondition: condition('replica set', 'ReplicaFailure.'),
  StatefulSet: { '': 'Pods with names, and storage, that stay the same when they are made again.' },
  StatefulSetSpec: {
    '': 'What a stateful set should be.',
    replicas: REPLICAS,
    selector: SELECTOR,
    template: TEMPLATE,
    serviceName: 'The service that gives the pods their DNS names.',
    volumeClaimTemplates: 'Claims that are made for every pod.',
    podManagementPolicy: 'OrderedReady one after another, Parallel all at once. OrderedReady by default.',
    updateStrategy: 'How pods change over when the template changes.',
    persistentVolumeClaimRetentionPolicy: 'What happens to claims that are no longer used.',
    ordinals: 'How pods are numbered.',
  },
  StatefulSetUpdateStrategy: {
    '': 'How pods change over.',
    type: 'RollingUpdate from the highest number down, OnDelete when somebody deletes them.',
    rollingUpdate: 'Which and how many.',
  },
  RollingUpdateStatefulSetStrategy: {
    '': 'Which pods change, and how many at a time.',
    partition: 'Only pods from this number on change; 0 by default.',
    maxUnavailable: 'How many may be missing.',
  },
  StatefulSetPersistentVolumeClaimRetentionPolicy: {
    '': 'What happens to claims.',
    whenDeleted: 'When the set is deleted: Retain or Delete.',
    whenScaled: 'When there are fewer replicas: Retain or Delete.',
  },
  StatefulSetOrdinals: { '': 'How pods are numbered.', start: 'The first number; 0 by default.' },
  StatefulSetStatus: {
    '': 'How a stateful set is.',
    ...counts,
    updatedReplicas: UPDATED,
    currentReplicas: 'Pods of the current revision.',
    currentRevision: 'The revision that pods are coming from.',
    updateRevision: 'The revision that pods are going to.',
  },
  StatefulSetCondition: condition('stateful set', 'What was looked at.'),
  DaemonSet: { '': 'A pod on every node, or on those that are selected.' },
  DaemonSetSpec: {
    '': 'What a daemon set should be.',
    selector: SELECTOR,
    template: TEMPLATE,
    updateStrategy: 'How pods change over when the template changes.',
  },
  DaemonSetUpdateStrategy: {
    '': 'How pods change over.',
    type: 'RollingUpdate a few at a time, OnDelete when somebody deletes them.',
    rollingUpdate: 'How many at a time.',
  },
  RollingUpdateDaemonSet: {
    '': 'How many pods change at a time.',
    maxUnavailable: 'On how many nodes the pod may be missing; 1 by default.',
    maxSurge: 'On how many nodes the new pod may start beside the old one; 0 by default.',
  },
  DaemonSetStatus: {
    '': 'How a daemon set is.',
    desiredNumberScheduled: 'Nodes that should run the pod.',
    currentNumberScheduled: 'Nodes that should and do.',
    numberMisscheduled: 'Nodes that should not and do.',
    numberReady: 'Nodes where the pod is ready.',
    updatedNumberScheduled: 'Nodes with a pod of the newest template.',
    numberAvailable: 'Nodes where the pod has been ready for minReadySeconds.',
    numberUnavailable: 'Nodes where it is missing or has not.',
  },
  DaemonSetCondition: condition('daemon set', 'What was looked at.'),
  ControllerRevision: {
    '': 'A past state of a daemon set or stateful set.',
    data: 'The state.',
    revision: 'Its number; greater is newer.',
  },
};

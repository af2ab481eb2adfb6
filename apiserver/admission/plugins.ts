// The admission plugins in the order in which they are asked.
import type { AdmissionPlugin } from './admission.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import { persistentVolumeClaimResize } from './claim-resize.ts';
import { defaultIngressClass, defaultStorageClass } from './default-classes.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { deviceAdminAccess } from './device-admin-access.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podSecurity, podSecurityOfNamespaces } from './pod-security.ts';
import { podPriority, priorityClassDefault } from './priority.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { storageObjectInUseProtection } from './storage-in-use.ts';
import { taintNodesByCondition } from './taint-nodes.ts';

export const admissionPlugins: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  limitRanger,
  nodeRestriction,
  serviceAccount,
  taintNodesByCondition,
  podPriority,
  priorityClassDefault,
  defaultTolerationSeconds,
  defaultStorageClass,
  storageObjectInUseProtection,
  persistentVolumeClaimResize,
  runtimeClass,
  deviceAdminAccess,
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  podSecurity,
  podSecurityOfNamespaces,
  defaultIngressClass,
  resourceQuota,
];

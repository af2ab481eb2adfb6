// Descriptions of kinds that people seldom write by hand.
import type { Descriptions } from './descriptions.ts';

const is = (text: string) => ({ '': text });
const admission = 'io.k8s.api.admissionregistration.v1';
const authorization = 'io.k8s.api.authorization.v1';
const extensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const storage = 'io.k8s.api.storage.v1';

export const otherDescriptions: Descriptions = {
  [`${admission}.MutatingAdmissionPolicy`]: is('Changes objects by expressions before they are stored.'),
  [`${admission}.MutatingAdmissionPolicyBinding`]: is('Puts a mutating policy into force.'),
  [`${admission}.MutatingWebhookConfiguration`]: is('Webhooks that may change objects before they are stored.'),
  [`${admission}.ValidatingAdmissionPolicy`]: is('Refuses objects by expressions before they are stored.'),
  [`${admission}.ValidatingAdmissionPolicyBinding`]: is('Puts a validating policy into force.'),
  [`${admission}.ValidatingWebhookConfiguration`]: is('Webhooks that may refuse objects before they are stored.'),
  [`${authorization}.LocalSubjectAccessReview`]: is('Asks whether somebody may do something in a namespace.'),
  [`${authorization}.SelfSubjectAccessReview`]: is('Asks whether the caller may do something.'),
  [`${authorization}.SelfSubjectRulesReview`]: is('Asks what the caller may do in a namespace.'),
  [`${authorization}.SubjectAccessReview`]: is('Asks whether somebody may do something.'),
  [`${extensions}.CustomResourceDefinition`]: is('A new kind of object, with its schema.'),
  [`${storage}.CSIDriver`]: is('What a storage driver can do.'),
  [`${storage}.CSINode`]: is('The storage drivers of a node.'),
  [`${storage}.CSIStorageCapacity`]: is('How much room a storage class has in some place.'),
  [`${storage}.StorageClass`]: is('A sort of storage and who provides it.'),
  [`${storage}.VolumeAttachment`]: is('A volume is to be attached to a node.'),
  [`${storage}.VolumeAttributesClass`]: is('Attributes of volumes that can change later.'),
  'io.k8s.api.authentication.v1.SelfSubjectReview': is('Asks who the caller is.'),
  'io.k8s.api.authentication.v1.TokenRequest': is('Asks for a token of a service account.'),
  'io.k8s.api.authentication.v1.TokenReview': is('Asks whom a token belongs to.'),
  'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler': is('Scales by CPU load.'),
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler': is('Scales by measured load.'),
  'io.k8s.api.autoscaling.v1.Scale': is('How many replicas something has and should have.'),
  'io.k8s.api.certificates.v1.CertificateSigningRequest': is('Asks for a certificate.'),
  'io.k8s.api.coordination.v1.Lease': is('A sign of life, or a lock that has to be renewed.'),
  'io.k8s.api.discovery.v1.EndpointSlice': is('Some of the addresses behind a service.'),
  'io.k8s.api.events.v1.Event': is('Something happened to an object.'),
  'io.k8s.api.flowcontrol.v1.FlowSchema': is('Which requests go to which priority level.'),
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration': is('How many requests of a level are handled at once.'),
  'io.k8s.api.node.v1.RuntimeClass': is('A container runtime that pods can choose.'),
  'io.k8s.api.policy.v1.Eviction': is('Asks a pod to go, if its disruption budget allows.'),
  'io.k8s.api.policy.v1.PodDisruptionBudget': is('How many pods may be missing at once on purpose.'),
  'io.k8s.api.resource.v1.DeviceClass': is('A sort of device and how to choose one.'),
  'io.k8s.api.resource.v1.ResourceClaim': is('Devices that pods ask for.'),
  'io.k8s.api.resource.v1.ResourceClaimTemplate': is('Claims to be made for pods.'),
  'io.k8s.api.resource.v1.ResourceSlice': is('Devices that a driver offers.'),
  'io.k8s.api.scheduling.v1.PriorityClass': is('How important pods are.'),
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService': is('Who serves a group and version.'),
};

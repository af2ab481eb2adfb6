// Values as upstream prints them where its own structures show through: the names of its code, in its order, and
// everything there, null for what is not set. Derived from the schemas; what differs from them is in the tables.
import { semanticEqual } from '../../../api/schema/equal.ts';
import { type ObjectSchema, resolve, type Schema } from '../../../api/schema/schema.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { invalidValue, Printed } from './problems.ts';
import { IMMUTABLE } from './values.ts';

const NAMES: Readonly<Record<string, string>> = {
  apiGroup: 'APIGroup',
  apiVersion: 'APIVersion',
  awsElasticBlockStore: 'AWSElasticBlockStore',
  cephfs: 'CephFS',
  csi: 'CSI',
  dnsConfig: 'DNSConfig',
  dnsPolicy: 'DNSPolicy',
  fc: 'FC',
  fsGroup: 'FSGroup',
  fsGroupChangePolicy: 'FSGroupChangePolicy',
  fsType: 'FSType',
  gcePersistentDisk: 'GCEPersistentDisk',
  gmsaCredentialSpec: 'GMSACredentialSpec',
  gmsaCredentialSpecName: 'GMSACredentialSpecName',
  grpc: 'GRPC',
  httpGet: 'HTTPGet',
  httpHeaders: 'HTTPHeaders',
  ip: 'IP',
  iqn: 'IQN',
  iscsi: 'ISCSI',
  iscsiInterface: 'ISCSIInterface',
  nfs: 'NFS',
  os: 'OS',
  pdName: 'PDName',
  rbd: 'RBD',
  scaleIO: 'ScaleIO',
  seLinuxChangePolicy: 'SELinuxChangePolicy',
  seLinuxOptions: 'SELinuxOptions',
  setHostnameAsFQDN: 'SetHostnameAsFQDN',
  storageos: 'StorageOS',
  targetWWNs: 'TargetWWNs',
  tcpSocket: 'TCPSocket',
  tls: 'TLS',
  tty: 'TTY',
  uid: 'UID',
};

const words = (text: string) => text.trim().split(/\s+/);

/** The order of fields in upstream's code where that of the published schema is another. */
const ORDER: Readonly<Record<string, readonly string[]>> = {
  PodSpec: words(`volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds
    activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName automountServiceAccountToken nodeName
    securityContext imagePullSecrets hostname subdomain setHostnameAsFQDN affinity schedulerName tolerations hostAliases
    priorityClassName priority preemptionPolicy dnsConfig readinessGates runtimeClassName overhead enableServiceLinks
    topologySpreadConstraints os schedulingGates resourceClaims resources hostnameOverride schedulingGroup`),
  PodSecurityContext: words(`hostNetwork hostPID hostIPC shareProcessNamespace hostUsers seLinuxOptions windowsOptions
    runAsUser runAsGroup runAsNonRoot supplementalGroups supplementalGroupsPolicy fsGroup fsGroupChangePolicy sysctls
    seccompProfile appArmorProfile seLinuxChangePolicy`),
  SecurityContext: words(`capabilities privileged seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot
    readOnlyRootFilesystem allowPrivilegeEscalation procMount seccompProfile appArmorProfile`),
  Volume: words(`name hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs
    persistentVolumeClaim rbd quobyte flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume
    azureDisk photonPersistentDisk projected portworxVolume scaleIO storageos csi ephemeral image`),
  VolumeProjection: words('secret downwardAPI configMap serviceAccountToken clusterTrustBundle podCertificate'),
  Container: words(`name image command args workingDir ports envFrom env resources resizePolicy restartPolicy
    restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle
    terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty`),
  EphemeralContainer: words(`name image command args workingDir ports envFrom env resources resizePolicy restartPolicy
    restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle
    terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty
    targetContainerName`),
  VolumeMount: words('name readOnly recursiveReadOnly mountPath subPath mountPropagation subPathExpr'),
  Probe: words(`exec httpGet tcpSocket grpc initialDelaySeconds timeoutSeconds terminationGracePeriodSeconds
    periodSeconds successThreshold failureThreshold`),
  PersistentVolumeClaimSpec: words(`accessModes selector resources volumeName storageClassName volumeMode dataSource
    dataSourceRef volumeAttributesClassName`),
  PersistentVolumeSpec: words(`gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd quobyte iscsi
    flexVolume cinder cephfs fc flocker azureFile vsphereVolume azureDisk photonPersistentDisk portworxVolume scaleIO
    local storageos csi`),
  CustomResourceDefinitionVersion: words(`name served storage deprecated deprecationWarning schema subresources
    additionalPrinterColumns selectableFields`),
};

const META = words(`name generateName namespace selfLink uid resourceVersion generation creationTimestamp
  deletionTimestamp deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields`);

/** What upstream keeps with the security context of a pod, though the API shows it beside. */
const IN_SECURITY_CONTEXT = ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers'] as const;
const FLAGS: Readonly<Record<string, unknown>> = {
  hostNetwork: false,
  hostPID: false,
  hostIPC: false,
  shareProcessNamespace: null,
  hostUsers: null,
};

type Fields = Readonly<Record<string, unknown>>;

/** A value that JSON.stringify writes as upstream's code would. */
export function goTree(schema: Schema, value: unknown): unknown {
  const of = resolve(schema);
  switch (of.kind) {
    case 'object':
      return goObject(of as ObjectSchema, (value ?? {}) as Fields);
    case 'list':
      return (value as unknown[] | undefined)?.map((item) => goTree(of.items, item)) ?? null;
    case 'map': {
      if (value === undefined) return null;
      const sorted = Object.entries(value as Fields).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(sorted.map(([key, one]) => [key, goTree(of.values, one)]));
    }
    default:
      return value ?? zeroOf(of.kind);
  }
}

function goObject(schema: ObjectSchema, value: Fields): unknown {
  // The machinery's own types have names for JSON.
  if (schema.name?.startsWith('io.k8s.apimachinery.')) return value;
  const name = schema.name?.split('.').at(-1) ?? '';
  if (name === 'PodTemplateSpec') return goTemplate(schema, value);
  const known = ORDER[name] ?? Object.keys(schema.fields);
  return Object.fromEntries(
    known.map((key) => {
      const field = schema.fields[key];
      if (name === 'PodSpec' && key === 'securityContext') return ['SecurityContext', securityContext(schema, value)];
      if (field === undefined) return [goName(key), value[key] ?? FLAGS[key] ?? null];
      const absent = field.ptr && value[key] === undefined;
      return [goName(key), absent ? null : goTree(field.schema, value[key])];
    }),
  );
}

/** Metadata has names for JSON and stands beside the rest, not below it. */
function goTemplate({ fields }: ObjectSchema, { metadata, spec }: Fields): unknown {
  return { ...orderedMeta(metadata as Fields | undefined), Spec: goTree(fields['spec']!.schema, spec) };
}

function orderedMeta(metadata: Fields = {}): Fields {
  const byKey = (value: unknown) =>
    Object.fromEntries(Object.entries(value as Fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  const known = META.filter((key) => metadata[key] !== undefined && metadata[key] !== null);
  return Object.fromEntries(
    known.map((key) => [key, key === 'labels' || key === 'annotations' ? byKey(metadata[key]) : metadata[key]]),
  );
}

function securityContext({ fields }: ObjectSchema, spec: Fields): unknown {
  const moved = Object.fromEntries(IN_SECURITY_CONTEXT.map((key) => [key, spec[key]]));
  return goTree(fields['securityContext']!.schema, { ...(spec['securityContext'] as object | undefined), ...moved });
}

function goName(key: string): string {
  return NAMES[key] ?? `${key[0]!.toUpperCase()}${key.slice(1)}`;
}

function zeroOf(kind: string): unknown {
  if (kind === 'string') return '';
  if (kind === 'boolean') return false;
  if (kind === 'quantity') return '0';
  return kind === 'int32' || kind === 'int64' || kind === 'double' || kind === 'intOrString' ? 0 : null;
}

/** JSON as Go writes it, for logs and differences. */
export function goJson(schema: Schema, value: unknown, indent?: number): string {
  return JSON.stringify(goTree(schema, value), null, indent).replace(
    /[<>&]/g,
    (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`,
  );
}

/** As `unchanged`, of values that messages show as upstream's code has them. */
export function unchangedInGo(schema: Schema, path: string, next: unknown, current: unknown): FieldProblem[] {
  if (semanticEqual(schema, next, current)) return [];
  const shown = next === undefined || next === null ? next : new Printed(goJson(schema, next));
  return [invalidValue(path, shown, IMMUTABLE)];
}

// No field of a pod is forgotten: each one that the API knows (../shared/reference) is acted on by the agent, or by the
// server, or is refused visibly, or stands here with the reason why it needs nothing.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeRefusal } from '../../../agent/pods/node-refusals.ts';
import { unsupported } from '../../../agent/pods/unsupported.ts';
import { SUPPORTED_VOLUMES } from '../../../agent/volumes/types.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { ABLE, aContainer, aPod } from './make.ts';

const ROOT = join(import.meta.dirname, '../../..');
const REFERENCE = join(ROOT, '../shared/reference/definitions.json');
const CORE = 'io.k8s.api.core.v1.';
interface Field {
  ref?: string;
  items?: { ref?: string };
  values?: { ref?: string };
}
type Definitions = Record<string, { fields?: Record<string, Field> }>;

const wordsOf = (pattern: string) =>
  new Set(
    globSync(pattern, { cwd: ROOT }).flatMap((file) => readFileSync(join(ROOT, file), 'utf8').match(/\w+/g) ?? []),
  );

/** Acted on before a pod comes to a node: by the scheduler, at admission, by controllers. */
const SERVER = new Set([
  'PodSpec.affinity',
  'PodSpec.automountServiceAccountToken',
  'PodSpec.preemptionPolicy',
  'PodSpec.priorityClassName',
  'PodSpec.schedulerName',
  'PodSpec.schedulingGates',
  'PodSpec.nodeSelector',
  'PodSpec.topologySpreadConstraints',
  'Toleration.tolerationSeconds',
]);

/** Needs nothing of anybody, and why. */
const INERT: Record<string, string> = {
  'PodSpec.serviceAccount': 'the old name of serviceAccountName, kept equal to it by the API',
  'PodSpec.schedulingGroup': 'names the pod group a scheduler of groups would look for; alpha, dropped by the API',
  'PodSecurityContext.seLinuxChangePolicy': 'says how volumes get their SELinux label: only where SELinux is on',
  'PodSecurityContext.windowsOptions': 'pods of other systems are refused',
  'SecurityContext.windowsOptions': 'pods of other systems are refused',
  'EphemeralVolumeSource.volumeClaimTemplate': 'the claim is made of it by a controller',
  'EphemeralContainer.lifecycle': 'refused by the API',
  'EphemeralContainer.livenessProbe': 'refused by the API',
};

/** A pod that asks for it is told that this node cannot. */
const web = (more: Partial<Container>) => aPod({ containers: [aContainer('web', more)] });
const volume = (source: object) => aPod({ spec: { volumes: [{ name: 'v', ...source }] as Pod['spec']['volumes'] } });
const REFUSED: Record<string, Pod> = {
  'PodSpec.hostUsers': aPod({ spec: { hostUsers: false } }),
  'PodSpec.os': aPod({ spec: { os: { name: 'windows' } } }),
  'PodSecurityContext.supplementalGroupsPolicy': aPod({
    spec: { securityContext: { supplementalGroupsPolicy: 'Strict' } },
  }),
  'VolumeMount.recursiveReadOnly': web({
    volumeMounts: [{ name: 'v', mountPath: '/v', recursiveReadOnly: 'Enabled' }],
  }),
  'VolumeProjection.clusterTrustBundle': volume({ projected: { sources: [{ clusterTrustBundle: { path: 'a' } }] } }),
  'VolumeProjection.podCertificate': volume({
    projected: { sources: [{ podCertificate: { signerName: 'a/b', keyType: 'ED25519' } }] },
  }),
};

const refused = (pod: Pod) => nodeRefusal(pod, ABLE)?.message ?? unsupported(pod, ABLE);
for (const [field, pod] of Object.entries(REFUSED)) {
  test(`a pod with ${field} is told that this node cannot`, () => assert.ok(refused(pod) !== undefined));
}

test('no field of a pod is forgotten', { skip: existsSync(REFERENCE) ? false : 'no ../shared/reference' }, () => {
  const { definitions } = JSON.parse(readFileSync(REFERENCE, 'utf8')) as { definitions: Definitions };
  const agent = wordsOf('agent/**/*.ts');
  const server = wordsOf('apiserver/{scheduler,admission,controllers,registry}/**/*.ts');
  const forgotten: string[] = [];
  const stale = new Set([...SERVER, ...Object.keys(INERT), ...Object.keys(REFUSED)]);
  const queue = [`${CORE}PodSpec`];
  const seen = new Set(queue);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const [field, { ref, items, values }] of Object.entries(definitions[name]?.fields ?? {})) {
      const key = `${name.slice(CORE.length)}.${field}`;
      stale.delete(key);
      if (SERVER.has(key)) {
        if (!server.has(field)) forgotten.push(`${key}: not in the server`);
        continue; // and what it holds
      }
      if (key in INERT) continue;
      const isVolume = name === `${CORE}Volume` && field !== 'name';
      if (isVolume && !SUPPORTED_VOLUMES.includes(field)) {
        if (refused(volume({ [field]: {} })) === undefined) forgotten.push(`${key}: neither mounted nor refused`);
        continue;
      }
      if (key in REFUSED) continue;
      if (!agent.has(field)) forgotten.push(`${key}: not in the agent`);
      const next = ref ?? items?.ref ?? values?.ref;
      if (next?.startsWith(CORE) && !seen.has(next)) {
        seen.add(next);
        queue.push(next);
      }
    }
  }
  assert.deepEqual(forgotten, []);
  assert.deepEqual([...stale], [], 'exceptions for fields that are not there');
  assert.ok(seen.size > 30, `only ${seen.size} types were walked`);
});

// What people get wrong, and what they are shown: the texts are those that upstream shows, letter by letter where they
// do not depend on the machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from './harness/cluster.ts';
import { kubectlTooOld } from './harness/kubectl.ts';
import { BUSYBOX, output, refusal } from './proof.ts';

const cluster = useCluster();
/** The texts of kubectl itself are those of recent versions. */
const skip = await kubectlTooOld();

const pod = (metadata: object, spec: object) => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
const configMap = (more: object = {}, metadata: object = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', ...metadata }, ...more });
const deployment = (spec: object) => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: BUSYBOX }] } };
  const whole = { selector: { matchLabels: { a: 'b' } }, template, ...spec };
  return JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: whole });
};
const container = (more: object) => pod({ name: 'x' }, { containers: [{ name: 'a', image: BUSYBOX, ...more }] });

const NOT_A_SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const NOT_A_LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const BAD_REQUEST = 'Error from server (BadRequest): error when creating "STDIN"';

const manifests: { it: string; manifest: string; args?: string[]; says: string }[] = [
  {
    it: 'YAML that does not parse',
    manifest: 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n spec: {\n',
    says: 'error: error parsing STDIN: error converting YAML to JSON: yaml: line 4: did not find expected key',
  },
  {
    it: 'JSON that ends too early',
    manifest: '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}',
    says: 'error: error parsing STDIN: unexpected EOF',
  },
  {
    it: 'an unknown kind',
    manifest: 'apiVersion: v1\nkind: Pood\nmetadata: {name: x}\n',
    says: 'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Pood" in version "v1"\nensure CRDs are installed first',
  },
  {
    it: 'an unknown group',
    manifest: 'apiVersion: nope/v1\nkind: Pod\nmetadata: {name: x}\n',
    says: 'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Pod" in version "nope/v1"\nensure CRDs are installed first',
  },
  {
    it: 'no kind',
    manifest: 'apiVersion: v1\nmetadata: {name: x}\n',
    says: 'error: error validating "STDIN": error validating data: kind not set; if you choose to ignore these errors, turn validation off with --validate=false',
  },
  {
    it: 'an unknown field',
    manifest: configMap({ dta: { a: 'b' } }),
    says: `${BAD_REQUEST}: ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"`,
  },
  {
    it: 'unknown fields deep inside',
    manifest: pod({ name: 'x' }, { containers: [{ name: 'a', image: BUSYBOX, imagee: 'b' }], foo: 1 }),
    says: `${BAD_REQUEST}: Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].imagee", unknown field "spec.foo"`,
  },
  {
    it: 'text instead of a list',
    manifest: pod({ name: 'x' }, { containers: 'no' }),
    says: `${BAD_REQUEST}: Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container`,
  },
  {
    it: 'a number instead of text',
    manifest: configMap({ data: { a: 1 } }),
    says: `${BAD_REQUEST}: ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string`,
  },
  {
    it: 'text instead of a number',
    manifest: deployment({ replicas: 'three' }),
    says: `${BAD_REQUEST}: Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`,
  },
  {
    it: 'a quantity that is none',
    manifest: container({ resources: { requests: { cpu: 'lots' } } }),
    says: `${BAD_REQUEST}: Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
  },
  {
    it: 'a bad name',
    manifest: pod({ name: 'Bad_Name' }, { containers: [{ name: 'a', image: BUSYBOX }] }),
    says: `The Pod "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": ${NOT_A_SUBDOMAIN}`,
  },
  {
    it: 'a bad name of a container',
    manifest: container({ name: 'A_B' }),
    says: `The Pod "x" is invalid: spec.containers[0].name: Invalid value: "A_B": ${NOT_A_LABEL}`,
  },
  {
    it: 'no name',
    manifest: pod({}, { containers: [{ name: 'a', image: BUSYBOX }] }),
    says: 'The Pod "" is invalid: metadata.name: Required value: name or generateName is required',
  },
  {
    it: 'no image',
    manifest: container({ image: undefined }),
    says: 'The Pod "x" is invalid: spec.containers[0].image: Required value',
  },
  {
    it: 'no containers',
    manifest: pod({ name: 'x' }, { containers: [] }),
    says: 'The Pod "x" is invalid: spec.containers: Required value',
  },
  {
    it: 'several mistakes at once',
    manifest: pod({ name: 'x' }, { restartPolicy: 'Perhaps', containers: [{ name: 'a' }] }),
    says: `The Pod "x" is invalid: 
* spec.containers[0].image: Required value
* spec.restartPolicy: Unsupported value: "Perhaps": supported values: "Always", "OnFailure", "Never"`,
  },
  {
    it: 'a selector that does not match its template',
    manifest: deployment({ selector: { matchLabels: { a: 'c' } } }),
    says: 'The Deployment "x" is invalid: spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`',
  },
  {
    it: 'a port that is none',
    manifest: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'x' },
      spec: { ports: [{ port: 99999, targetPort: 80 }] },
    }),
    says: 'The Service "x" is invalid: spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive',
  },
  {
    it: 'a namespace that is not there',
    manifest: configMap({}, { namespace: 'nowhere' }),
    says: 'Error from server (NotFound): error when creating "STDIN": namespaces "nowhere" not found',
  },
  {
    it: 'an object that is there already',
    manifest: configMap({}, { name: 'kube-root-ca.crt' }),
    says: 'Error from server (AlreadyExists): error when creating "STDIN": configmaps "kube-root-ca.crt" already exists',
  },
  {
    it: 'an unknown field, applied by the server',
    manifest: configMap({ dta: { a: 'b' } }),
    args: ['apply', '--server-side'],
    says: 'Error from server: failed to create typed patch object (default/x; /v1, Kind=ConfigMap): .dta: field not declared in schema',
  },
  {
    it: 'a namespace that is not there, applied by the server',
    manifest: configMap({}, { namespace: 'nowhere' }),
    args: ['apply', '--server-side'],
    says: 'Error from server (NotFound): namespaces "nowhere" not found',
  },
];

for (const { it, manifest, args = ['create'], says } of manifests) {
  test(`kubectl ${args[0]} shows ${it} as upstream does`, { skip }, async () => {
    assert.equal((await refusal(cluster(), [...args, '-f', '-'], manifest)).trimEnd(), says);
  });
}

test('what kubectl does not look at is refused in the words of upstream too', { skip }, async () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const raw = async (text: string, type: string) => (await cluster().api.call('POST', path, text, type)).body;
  const json = (await raw('{"apiVersion":"v1","kind":"ConfigMap"', 'application/json')) as { message: string };
  assert.equal(
    json.message,
    'the object provided is unrecognized (must be of type ConfigMap): couldn\'t get version/kind; json parse error: unexpected end of JSON input ({"apiVersion":"v1","kind":"Con ...)',
  );
  const yaml = (await raw('a: [1', 'application/yaml')) as { message: string };
  assert.equal(
    yaml.message,
    "the object provided is unrecognized (must be of type ConfigMap): yaml: line 1: did not find expected ',' or ']' (613a205b31)",
  );
});

test('an unknown field is a warning where only a warning is asked for', { skip }, async () => {
  const { stdout, stderr } = await cluster().kubectl(['create', '--validate=warn', '-f', '-'], {
    input: configMap({ dta: { a: 'b' } }, { name: 'warned' }),
  });
  assert.deepEqual([stdout, stderr], ['configmap/warned created\n', 'Warning: unknown field "dta"\n']);
});

const commands: { args: string[]; says: string }[] = [
  { args: ['get', 'pood'], says: 'error: the server doesn\'t have a resource type "pood"' },
  { args: ['get', 'pod', 'nope'], says: 'Error from server (NotFound): pods "nope" not found' },
  { args: ['delete', 'pod', 'nope'], says: 'Error from server (NotFound): pods "nope" not found' },
  { args: ['exec', 'nope', '--', 'true'], says: 'Error from server (NotFound): pods "nope" not found' },
  {
    args: ['logs', 'nope'],
    says: 'error: error from server (NotFound): pods "nope" not found in namespace "default"',
  },
  {
    args: ['expose', 'deployment', 'nope', '--port=80'],
    says: 'Error from server (NotFound): deployments.apps "nope" not found',
  },
  {
    args: ['create', 'namespace', 'default'],
    says: 'Error from server (AlreadyExists): namespaces "default" already exists',
  },
  {
    args: ['create', 'configmap', 'Bad_Name'],
    says: `error: failed to create configmap: ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": ${NOT_A_SUBDOMAIN}`,
  },
  {
    args: ['create', 'configmap', 'c', '-n', 'nowhere'],
    says: 'error: failed to create configmap: namespaces "nowhere" not found',
  },
  {
    args: ['create', 'deployment', 'Bad_Name', `--image=${BUSYBOX}`],
    says: `error: failed to create deployment: Deployment.apps "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": ${NOT_A_SUBDOMAIN}`,
  },
  {
    args: ['get', 'pods', '--field-selector=nope=1'],
    says: 'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "nope=1": field label not supported: nope',
  },
  {
    args: ['get', 'pods', '-l', 'a in'],
    says: 'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "a in", field selector "": unable to parse requirement: found \'\' expected: \'(\'',
  },
  {
    args: ['patch', 'cm', 'kube-root-ca.crt', '-p', '{bad'],
    says: "Error from server (BadRequest): error decoding patch: invalid character 'b' looking for beginning of object key string",
  },
  {
    args: ['patch', 'cm', 'kube-root-ca.crt', '--type=json', '-p', '[{"op":"replace","path":"/nope/x","value":"1"}]'],
    says: 'The request is invalid: the server rejected our request due to an error in our request',
  },
  { args: ['explain', 'pod.spek'], says: 'error: field "spek" does not exist' },
];

for (const { args, says } of commands) {
  test(`kubectl ${args.join(' ')} is refused as upstream refuses it`, { skip }, async () => {
    assert.equal((await refusal(cluster(), args)).trimEnd(), says);
  });
}

test('a list in a namespace that is not there is empty', { skip }, async () => {
  const { stdout, stderr } = await cluster().kubectl(['get', 'pods', '-n', 'nowhere']);
  assert.deepEqual([stdout, stderr], ['', 'No resources found in nowhere namespace.\n']);
});

test('nothing of it was made', { skip }, async () => {
  assert.equal(await output(cluster(), 'get', 'pods,deployments,services', '-o', 'name'), 'service/kubernetes\n');
});

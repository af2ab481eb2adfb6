// The verbs of kubectl, one after another as a person would type them: each has to be taken, and to say what it says
// against upstream.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from './harness/cluster.ts';
import { NONCE } from './harness/images.ts';
import { kubectlTooOld } from './harness/kubectl.ts';
import { waitFor } from './harness/wait.ts';
import { apply, BUSYBOX, output, untilPodReady, untilReady, WEB } from './proof.ts';

const cluster = useCluster();
/** The texts of kubectl itself are those of recent versions. */
const skip = await kubectlTooOld();

interface Typed {
  readonly type: string;
  readonly says: RegExp;
  readonly input?: string;
  /** What kubectl exits with; 0 when absent. */
  readonly exits?: number;
}

/** A command line without quoting: words are split at spaces, `_` stands for a space inside of one. */
async function say({ type, says, input, exits = 0 }: Typed): Promise<void> {
  const args = type.split(' ').map((word) => word.replaceAll('_', ' '));
  const { stdout, stderr, code } = await cluster().kubectl(args, {
    mayFail: true,
    ...(input !== undefined && { input }),
  });
  assert.equal(code, exits, `kubectl ${type}: exit ${code}\n${stdout}${stderr}`);
  assert.match(stdout + stderr, says, `kubectl ${type}`);
}

function story(title: string, lines: readonly Typed[]): void {
  test(title, { skip }, async () => {
    for (const line of lines) await say(line);
  });
}

story('create has a generator for each of these', [
  { type: 'create namespace gen', says: /^namespace\/gen created/ },
  { type: 'create configmap c --from-literal=a=1 -n gen', says: /configmap\/c created/ },
  { type: 'create secret generic pass --from-literal=word=x -n gen', says: /secret\/pass created/ },
  {
    type: 'create secret docker-registry reg --docker-server=r --docker-username=u --docker-password=p -n gen',
    says: /created/,
  },
  { type: 'create serviceaccount robot -n gen', says: /serviceaccount\/robot created/ },
  { type: 'create token robot -n gen', says: /^ey[\w-]+\.[\w-]+\.[\w-]+/ },
  { type: 'create role reader --verb=get,list --resource=pods -n gen', says: /role\S+ created/ },
  { type: 'create rolebinding reads --role=reader --serviceaccount=gen:robot -n gen', says: /rolebinding\S+ created/ },
  { type: 'create clusterrole lister --verb=list --resource=nodes', says: /clusterrole\S+ created/ },
  { type: 'create clusterrolebinding lists --clusterrole=lister --serviceaccount=gen:robot', says: /created/ },
  { type: 'auth can-i list pods -n gen --as=system:serviceaccount:gen:robot', says: /^yes/ },
  { type: 'auth can-i delete pods -n gen --as=system:serviceaccount:gen:robot', says: /^no/, exits: 1 },
  { type: 'auth whoami', says: /kubernetes-admin|admin/ },
  { type: 'create service clusterip s --tcp=80:8080 -n gen', says: /service\/s created/ },
  { type: 'create service nodeport n --tcp=80:8080 -n gen', says: /service\/n created/ },
  { type: 'create service externalname e --external-name=example.com -n gen', says: /service\/e created/ },
  { type: 'create quota q --hard=pods=10 -n gen', says: /resourcequota\/q created/ },
  { type: 'create priorityclass high --value=1000', says: /priorityclass\S+ created/ },
  {
    type: 'create poddisruptionbudget b --selector=app=x --min-available=1 -n gen',
    says: /poddisruptionbudget\S+ created/,
  },
  { type: `create cronjob tick --image=${BUSYBOX} --schedule=0_0_1_1_* -n gen`, says: /cronjob\S+ created/ },
  { type: `create job once --image=${BUSYBOX} -n gen -- true`, says: /job\S+ created/ },
  { type: 'create ingress i --rule=host/path=s:80 -n gen', says: /ingress\S+ created/ },
  {
    type: 'create namespace gen',
    says: /Error from server \(AlreadyExists\): namespaces "gen" already exists/,
    exits: 1,
  },
]);

story('get speaks every output', [
  { type: 'get configmap c -n gen -o name', says: /^configmap\/c$/m },
  { type: 'get configmap c -n gen -o yaml', says: /^apiVersion: v1\ndata:\n {2}a: "1"\nkind: ConfigMap/ },
  { type: 'get configmap c -n gen -o json', says: /"kind": "ConfigMap"/ },
  { type: 'get configmap c -n gen -o jsonpath={.data.a}', says: /^1$/ },
  { type: 'get configmap c -n gen -o go-template={{.data.a}}', says: /^1$/ },
  { type: 'get configmap c -n gen -o custom-columns=N:.metadata.name', says: /^N\nc\n$/ },
  { type: 'get secrets -n gen', says: /NAME\s+TYPE\s+DATA\s+AGE\n(.*\n)*pass\s+Opaque\s+1/ },
  { type: 'get svc -n gen', says: /NAME\s+TYPE\s+CLUSTER-IP\s+EXTERNAL-IP\s+PORT\(S\)\s+AGE/ },
  { type: 'get all -n gen', says: /service\/s/ },
  { type: 'get pods,svc -A --show-labels', says: /LABELS/ },
  { type: 'get ns --sort-by=.metadata.name', says: /default(.*\n)*gen/ },
  { type: 'get pods nothing', says: /Error from server \(NotFound\): pods "nothing" not found/, exits: 1 },
  { type: 'get frobs', says: /the server doesn't have a resource type "frobs"/, exits: 1 },
  { type: 'get --raw /healthz', says: /^ok$/ },
  { type: 'get --raw /version', says: /"gitVersion": "v1\.36/ },
  { type: 'api-resources --namespaced=false', says: /nodes\s+no\s+v1\s+false\s+Node/ },
  { type: 'api-versions', says: /apps\/v1/ },
  { type: 'cluster-info', says: /Kubernetes control plane.* is running at/ },
  { type: 'explain deployment.spec.strategy --recursive', says: /maxSurge/ },
  { type: 'version', says: /Server Version: v1\.36/ },
]);

story('objects are changed in every way', [
  { type: 'label configmap c -n gen team=a', says: /labeled/ },
  { type: 'label configmap c -n gen team=b', says: /already has a value/, exits: 1 },
  { type: 'label configmap c -n gen team=b --overwrite', says: /labeled/ },
  { type: 'annotate configmap c -n gen note=x', says: /annotated/ },
  { type: 'get configmap -n gen -l team=b -o name', says: /configmap\/c/ },
  { type: 'patch configmap c -n gen -p {"data":{"a":"2"}}', says: /patched/ },
  { type: 'patch configmap c -n gen --type=merge -p {"data":{"b":"3"}}', says: /patched/ },
  { type: 'patch configmap c -n gen --type=json -p [{"op":"remove","path":"/data/b"}]', says: /patched/ },
  { type: 'patch configmap c -n gen -p {"data":{"a":"2"}}', says: /patched \(no change\)/ },
  { type: 'get configmap c -n gen -o jsonpath={.data}', says: /^\{"a":"2"\}$/ },
]);

const CONFIG = (value: string) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'd', namespace: 'gen' }, data: { value } });

story('apply, diff, replace and edit', [
  { type: 'apply -f -', input: CONFIG('1'), says: /configmap\/d created/ },
  { type: 'diff -f -', input: CONFIG('2'), says: /-\s+value: "1"\n\+\s+value: "2"/, exits: 1 },
  { type: 'diff -f -', input: CONFIG('1'), says: /^$/ },
  { type: 'apply -f - --dry-run=server', input: CONFIG('2'), says: /configured \(server dry run\)/ },
  { type: 'get configmap d -n gen -o jsonpath={.data.value}', says: /^1$/ },
  { type: 'replace -f -', input: CONFIG('3'), says: /replaced/ },
  { type: 'apply -f - --server-side --force-conflicts', input: CONFIG('4'), says: /serverside-applied/ },
  { type: 'get configmap d -n gen -o jsonpath={.data.value}', says: /^4$/ },
]);

test('edit changes what the editor changed', { skip }, async () => {
  // The value alone: a four may stand in the version too.
  const script = '#!/bin/sh\nsed -i \'s/value: "4"/value: "5"/\' "$1"\n';
  await cluster().node.node.exec('sh', ['-c', 'cat > /tmp/editor && chmod +x /tmp/editor'], { input: script });
  const env = { EDITOR: '/tmp/editor' };
  const { stdout } = await cluster().kubectl(['edit', 'configmap', 'd', '-n', 'gen'], { env });
  assert.match(stdout, /configmap\/d edited/);
  assert.equal(await output(cluster(), 'get', 'configmap', 'd', '-n', 'gen', '-o', 'jsonpath={.data.value}'), '5');
});

test('a deployment is exposed, scaled, set, rolled back and watched', { skip }, async () => {
  await say({ type: `create deployment web --image=${WEB} --replicas=2`, says: /created/ });
  await untilReady(cluster(), 'app=web', 2);
  const lines: Typed[] = [
    { type: 'expose deployment web --port=80 --target-port=8080', says: /service\/web exposed/ },
    { type: 'wait --for=condition=Available deployment/web --timeout=20s', says: /condition met/ },
    { type: 'set env deployment/web A=1', says: /env updated/ },
    { type: 'rollout status deployment/web --timeout=40s', says: /successfully rolled out/ },
    { type: 'rollout history deployment/web', says: /1\s+<none>\n2\s+<none>/ },
    { type: 'rollout undo deployment/web', says: /rolled back/ },
    { type: 'rollout status deployment/web --timeout=40s', says: /successfully rolled out/ },
    { type: 'rollout restart deployment/web', says: /restarted/ },
    { type: 'rollout status deployment/web --timeout=40s', says: /successfully rolled out/ },
    { type: 'set image deployment/web web=skiff.local/test/none:1', says: /image updated/ },
    { type: 'rollout undo deployment/web', says: /rolled back/ },
    { type: 'set resources deployment/web --limits=memory=64Mi', says: /resource requirements updated/ },
    { type: 'rollout status deployment/web --timeout=40s', says: /successfully rolled out/ },
    { type: 'autoscale deployment web --min=1 --max=3 --cpu-percent=80', says: /autoscaled/ },
    { type: 'describe deployment web', says: /Replicas:\s+2 desired \| 2 updated \| 2 total \| 2 available/ },
    { type: 'describe service web', says: /Endpoints:\s+10\.42\.0\.\d+:8080,10\.42\.0\.\d+:8080/ },
    { type: 'describe node node-1', says: /Non-terminated Pods:/ },
    { type: 'events --for deployment/web', says: /ScalingReplicaSet/ },
    { type: 'top node', says: /node-1|Metrics API not available|metrics not available/i, exits: await topExit() },
  ];
  for (const line of lines) await say(line);
});

/** Metrics may be served or not; either has to be said plainly. */
async function topExit(): Promise<number> {
  return (await cluster().kubectl(['top', 'node'], { mayFail: true })).code ?? 1;
}

test('cp carries a tree into a pod and back', { skip }, async () => {
  await say({ type: `run box --image=${BUSYBOX}`, says: /created/ });
  await untilPodReady(cluster(), 'box');
  const { node } = cluster().node;
  await node.exec('sh', [
    '-c',
    'mkdir -p /tmp/tree/sub && echo one > /tmp/tree/a && head -c 300000 /dev/urandom > /tmp/tree/sub/b',
  ]);
  await say({ type: 'cp /tmp/tree default/box:/tmp/tree', says: /^$/ });
  await say({ type: 'cp default/box:/tmp/tree /tmp/back', says: /.*/ });
  await node.exec('diff', ['-r', '/tmp/tree', '/tmp/back']);
});

test('debug joins a pod with a container of its own', { skip }, async () => {
  await say({ type: `debug box --image=${BUSYBOX} --container=dbg --target=box -- cat /nonce`, says: /.*/ });
  const log = async () => (await cluster().kubectl(['logs', 'box', '-c', 'dbg'], { mayFail: true })).stdout;

  await waitFor('the nonce from the debug container', async () => (await log()) === NONCE);
});

test('a node is cordoned, drained and let in again', { skip }, async () => {
  const lines: Typed[] = [
    { type: 'cordon node-1', says: /cordoned/ },
    { type: 'get nodes', says: /Ready,SchedulingDisabled/ },
    {
      type: 'drain node-1 --ignore-daemonsets --force --delete-emptydir-data --timeout=40s',
      says: /node\/node-1 drained/,
    },
    { type: 'uncordon node-1', says: /uncordoned/ },
    { type: 'taint node node-1 k=v:NoSchedule', says: /tainted/ },
    { type: 'taint node node-1 k=v:NoSchedule-', says: /untainted/ },
  ];
  for (const line of lines) await say(line);
  await untilReady(cluster(), 'app=web', 2);
});

test('delete knows foreground, background and orphan', { skip }, async () => {
  await apply(
    cluster(),
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: ['x', 'y', 'z'].map(emptyDeployment) }),
  );
  await say({ type: 'delete deployment x --cascade=foreground --timeout=30s', says: /deleted/ });
  await say({ type: 'delete deployment y --cascade=background', says: /deleted/ });
  await say({ type: 'delete deployment z --cascade=orphan', says: /deleted/ });

  await waitFor('only the orphan to be left', async () => {
    const left = await output(cluster(), 'get', 'rs', '-l', 'left', '-o', 'jsonpath={.items[*].metadata.labels.left}');
    return left === 'z';
  });
});

function emptyDeployment(name: string): object {
  const labels = { left: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: BUSYBOX }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: { replicas: 0, selector: { matchLabels: labels }, template },
  };
}

story('kustomize and cluster-info dump', [
  { type: 'cluster-info dump --namespaces=gen', says: /"kind": "ServiceList"|"kind": "EventList"/ },
  { type: 'delete namespace gen --timeout=40s', says: /deleted/ },
]);

test('apply -k builds a kustomization', { skip }, async () => {
  const { node } = cluster().node;
  const files = `mkdir -p /tmp/k && cd /tmp/k && printf 'namePrefix: pre-\\nresources: [m.yaml]\\n' > kustomization.yaml && printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: m}\\ndata: {a: b}\\n' > m.yaml`;
  await node.exec('sh', ['-c', files]);
  await say({ type: 'apply -k /tmp/k', says: /configmap\/pre-m created/ });
});

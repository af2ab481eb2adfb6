// What the benches of the API write: pods as a client sends them, 1.5 KB of JSON each.

const CONTAINER = {
  image: 'registry.example.com/team/service:1.14.2',
  ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }],
  env: [
    { name: 'LOG_LEVEL', value: 'info' },
    { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
  ],
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
  readinessProbe: { httpGet: { path: '/ready', port: 8080, scheme: 'HTTP' }, periodSeconds: 5 },
  volumeMounts: [{ name: 'config', mountPath: '/etc/service' }],
};

/** `change` makes one state of the pod differ from another; with `nodeName` it is bound already. */
export function podText(name: string, change = 0, nodeName?: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      labels: { app: 'bench', tier: 'backend', 'app.kubernetes.io/part-of': 'bench' },
      annotations: { 'bench/change': `c${change}`, 'bench/text': 'x'.repeat(220) },
    },
    spec: {
      nodeName,
      serviceAccountName: 'default',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 30,
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'bench', effect: 'NoSchedule' }],
      volumes: [{ name: 'config', configMap: { name: 'service-config' } }],
      containers: [{ name: 'service', ...CONTAINER }],
      initContainers: [
        { name: 'migrate', image: 'registry.example.com/team/migrate:1.14.2', command: ['/migrate', '--wait'] },
      ],
    },
  });
}

/** The text of an answer, sent back with one annotation changed. */
export function changed(text: string, change: number): string {
  return text.replace(/"bench\/change":"c\d+"/, `"bench/change":"c${change}"`);
}

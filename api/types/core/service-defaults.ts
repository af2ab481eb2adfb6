// What a service gets that says nothing about it.

interface Fillable {
  spec: {
    type?: 'ClusterIP' | 'ExternalName' | 'LoadBalancer' | 'NodePort';
    sessionAffinity?: 'ClientIP' | 'None';
    sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
    ports?: { port: number; protocol?: string; targetPort?: number | string }[];
    externalIPs?: string[];
    externalTrafficPolicy?: 'Cluster' | 'Local';
    internalTrafficPolicy?: 'Cluster' | 'Local';
    allocateLoadBalancerNodePorts?: boolean;
  };
  status: { loadBalancer?: { ingress?: { ip?: string; ipMode?: string }[] } };
}

const STICKY_SECONDS = 10800;

export function defaultService({ spec, status }: Fillable): void {
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  else if (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: STICKY_SECONDS } };
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    port.targetPort ||= port.port;
  }
  const { type } = spec;
  const fromOutside =
    type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && spec.externalIPs?.length);
  if (fromOutside) spec.externalTrafficPolicy ||= 'Cluster';
  if (type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (type !== 'LoadBalancer') return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of status.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
}

// Descriptions of routes from outside and of who may talk to whom.
import type { Descriptions } from '../descriptions.ts';

export const networkingDescriptions: Descriptions = {
  Ingress: { '': 'Leads HTTP requests from outside to services, by host and path.' },
  IngressSpec: {
    '': 'Which requests go where.',
    ingressClassName: 'Who carries it out, by the name of a class.',
    rules: 'Hosts and paths.',
    tls: 'Certificates for hosts.',
    defaultBackend: 'Where requests go that no rule matches.',
  },
  IngressRule: {
    '': 'What happens to requests for a host.',
    host: 'The host, or *.domain; any if unset.',
    http: 'The paths.',
  },
  HTTPIngressRuleValue: { '': 'Paths of a host.', paths: 'Paths and where they lead.' },
  HTTPIngressPath: {
    '': 'A path and where it leads.',
    path: 'The path, beginning with /.',
    pathType: 'Exact, Prefix or ImplementationSpecific.',
    backend: 'Where it leads.',
  },
  IngressBackend: { '': 'Where requests go.', service: 'To a service.', resource: 'To some other object.' },
  IngressServiceBackend: { '': 'A port of a service.', name: 'The service.', port: 'The port.' },
  ServiceBackendPort: { '': 'A port of a service, by name or number.', name: 'Its name.', number: 'Its number.' },
  IngressTLS: {
    '': 'A certificate for hosts.',
    hosts: 'The hosts.',
    secretName: 'The secret with key and certificate.',
  },
  IngressStatus: { '': 'What an ingress has got.', loadBalancer: 'What its load balancer has got.' },
  IngressLoadBalancerStatus: { '': 'What a load balancer has got.', ingress: 'Its addresses.' },
  IngressLoadBalancerIngress: {
    '': 'An address of a load balancer.',
    ip: 'The address.',
    hostname: 'The name.',
    ports: 'How its ports are.',
  },
  IngressClass: { '': 'Who carries ingresses out.' },
  IngressClassSpec: {
    '': 'Who carries ingresses out.',
    controller: 'The controller, e.g. example.com/ingress.',
    parameters: 'An object with settings.',
  },
  NetworkPolicy: { '': 'Says who may talk to pods and whom they may talk to. What is not allowed is refused.' },
  NetworkPolicySpec: {
    '': 'For which pods, and what is allowed.',
    podSelector: 'The pods, by their labels; empty means all of the namespace.',
    policyTypes: 'Ingress, Egress or both.',
    ingress: 'What may come in; nothing if empty.',
    egress: 'What may go out; nothing if empty.',
  },
  NetworkPolicyIngressRule: {
    '': 'Traffic that may come in.',
    from: 'From whom; from anybody if empty.',
    ports: 'To which ports; to all if empty.',
  },
  NetworkPolicyEgressRule: {
    '': 'Traffic that may go out.',
    to: 'To whom; to anybody if empty.',
    ports: 'To which ports; to all if empty.',
  },
  NetworkPolicyPort: {
    '': 'A port or a range of ports.',
    protocol: 'TCP, UDP or SCTP; TCP by default.',
    port: 'Number or name; all if unset.',
    endPort: 'The last one of a range that begins with port.',
  },
  NetworkPolicyPeer: {
    '': 'Somebody to talk to.',
    podSelector: 'Pods, by their labels.',
    namespaceSelector: 'Namespaces the pods are in, by their labels; this one if unset.',
    ipBlock: 'Addresses; nothing else beside it.',
  },
  IPBlock: { '': 'A range of addresses.', cidr: 'The range.', except: 'Parts of it that are left out.' },
  ServiceCIDR: { '': 'A range that addresses of services come from.' },
  IPAddress: { '': 'An address that a service has.' },
};

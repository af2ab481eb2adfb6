// Approves serving certificates of kubelets: a node may have one for its own name and addresses and for nothing else.
// Upstream leaves this to people. Here names that a Node object carries alone are believed, as everything that connects
// to nodes believes them; what two nodes claim, what lies in the services' range and where the API is reached (save by
// the node on the server's own machine) waits for somebody with the right to approve.
//
//   signing requests, nodes -> name -> servingApproval -> approval
import { BlockList, isIPv4 } from 'node:net';
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { isNotFound } from '../../api/status.ts';
import type { CertificateSigningRequest } from '../../api/types/certificates/certificate-signing-request.ts';
import { certificateSigningRequests } from '../../api/types/certificates/resources.ts';
import type { Node } from '../../api/types/core/node.ts';
import { nodes } from '../../api/types/core/resources.ts';
import { withCondition } from './certificate.ts';
import { has, readable } from './certificate-decide.ts';
import { KUBELET_SERVING, NODE, SIGNERS } from './certificate-signers.ts';
import type { Controller } from './deps.ts';

const MESSAGE = 'Auto approving kubelet serving certificate for the addresses of its node.';

export interface Reserved {
  readonly serviceCidrs: readonly string[];
  /** Where the API is reached: only this node may bear it, too. */
  readonly apiAddress: string;
  readonly localNode: string;
}

export const kubeletServingController: Controller = ({ client, informers, settings, clock, log }) => {
  const requests = informers.of(certificateSigningRequests);
  const nodeInformer = informers.of(nodes);

  async function reconcile(name: string, signal: AbortSignal): Promise<Next> {
    const csr = requests.get(name);
    if (csr === undefined || !isOpen(csr)) return AT_REST;
    const why = servingProblem(csr, [...nodeInformer.list()], settings.reserved);
    if (why !== undefined) {
      log.info({ csr: name, user: csr.spec.username, why }, 'serving certificate not approved');
      return AT_REST;
    }
    const approved = { type: 'Approved', reason: 'AutoApproved', message: MESSAGE };
    const next = { ...csr, status: { ...csr.status, conditions: withCondition(csr, approved, clock.now()) } };
    try {
      await client.update(certificateSigningRequests, next, { subresource: 'approval' }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    return AT_REST;
  }

  /** A request may come before its node has said its addresses. */
  function waiting(_key: string, now: Node | undefined, before: Node | undefined): string[] {
    if (now === undefined || JSON.stringify(now.status.addresses) === JSON.stringify(before?.status.addresses))
      return [];
    return [...requests.list()].filter(isOpen).map(({ metadata }) => metadata.name);
  }

  const sources = [on(requests, itself), on(nodeInformer, waiting)];
  return (signal) => runController({ name: 'kubelet-serving', workers: 1, sources, reconcile, clock, log }, signal);
};

function isOpen(csr: CertificateSigningRequest): boolean {
  const decided = csr.status.certificate || ['Approved', 'Denied', 'Failed'].some((type) => has(csr, type));
  return csr.spec.signerName === KUBELET_SERVING && !decided && csr.metadata.deletionTimestamp === undefined;
}

/** Pure: why the request is not approved by itself; undefined when it is. */
export function servingProblem(
  csr: CertificateSigningRequest,
  all: readonly Node[],
  { serviceCidrs, apiAddress, localNode }: Reserved,
): string | undefined {
  const request = readable(csr);
  if (request === undefined) return 'the request cannot be read';
  const problem = SIGNERS.get(KUBELET_SERVING)!(request, new Set(csr.spec.usages));
  if (problem !== undefined) return problem;
  const { commonName } = request.subject;
  if (csr.spec.username !== commonName) return `${csr.spec.username} asks for ${commonName}`;
  const name = commonName.slice(NODE.length);
  const node = all.find(({ metadata }) => metadata.name === name);
  if (node === undefined) return `there is no node ${name}`;
  if (request.names.others > 0) return 'alternative names of unknown kinds';
  const asked = [...request.names.dns, ...request.names.ips];
  const own = new Set([name, ...addressesOf(node)]);
  const foreign = asked.find((each) => !own.has(each));
  if (foreign !== undefined) return `${foreign} is no address of node ${name}`;
  const others = all.filter((each) => each !== node);
  const shared = asked.find((each) => others.some((o) => o.metadata.name === each || addressesOf(o).includes(each)));
  if (shared !== undefined) return `${shared} is an address of another node, too`;
  const services = blockOf(serviceCidrs);
  const kept = request.names.ips.find((ip) => services.check(ip, isIPv4(ip) ? 'ipv4' : 'ipv6'));
  if (kept !== undefined) return `${kept} is an address of services`;
  if (name !== localNode && asked.includes(apiAddress)) return `${apiAddress} is where the API is reached`;
  const dns = request.names.dns.find((each) => each !== name && isNameOfApi(each));
  return dns === undefined ? undefined : `${dns} is a name of the API or of this machine`;
}

function isNameOfApi(name: string): boolean {
  return name === 'localhost' || name === 'kubernetes' || name.startsWith('kubernetes.default');
}

function addressesOf({ status }: Node): string[] {
  return (status.addresses ?? []).map(({ address }) => address);
}

function blockOf(cidrs: readonly string[]): BlockList {
  const block = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/');
    block.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return block;
}

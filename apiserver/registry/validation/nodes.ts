// Nodes: their taints and networks.
import { configMapKey, dns1123Label, dns1123Subdomain } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Node } from '../../../api/types/core/node.ts';
import { cidrWarnings } from './address-warnings.ts';
import { cidrProblems, parseCidr } from './addresses.ts';
import { duplicate, forbidden, invalidValue } from './problems.ts';
import { amountProblems, sorted } from './resources.ts';
import { taintsProblems } from './scheduling.ts';
import { each, requiredName } from './values.ts';

export function nodeProblems({ spec, status }: Node): FieldProblem[] {
  const { podCIDRs = [] } = spec;
  const problems = [
    // Upstream says metadata here.
    ...taintsProblems(spec.taints, 'metadata.taints'),
    ...resourcesProblems(status),
    ...featuresProblems(status.declaredFeatures),
    ...each(podCIDRs, 'spec.podCIDRs', (cidr, at) => cidrProblems(at, cidr)),
  ];
  const sizes = new Set(podCIDRs.map((cidr) => parseCidr(cidr)?.size));
  if (podCIDRs.length > 2 || (podCIDRs.length === 2 && sizes.size === 1)) {
    problems.push(invalidValue('spec.podCIDRs', podCIDRs, 'may specify no more than one CIDR for each IP family'));
  }
  return problems;
}

function resourcesProblems(status: Node['status']): FieldProblem[] {
  return (['capacity', 'allocatable'] as const).flatMap((list) =>
    sorted(status[list] ?? {}).flatMap(([name, amount]) => amountProblems(`status.${list}.${name}`, name, amount)),
  );
}

const FEATURE = /^([A-Z][A-Za-z0-9]*)(\/[A-Za-z][A-Za-z0-9]*)*$/;
const FEATURE_MAX = 253;

function featuresProblems(features: readonly string[] | undefined): FieldProblem[] {
  const path = 'status.declaredFeatures';
  return (features ?? []).flatMap((feature, i) => {
    const problems: FieldProblem[] = [];
    const name = `invalid feature name ${JSON.stringify(feature)}`;
    if (feature.length > FEATURE_MAX) {
      problems.push(invalidValue(`${path}[${i}]`, feature, `${name}: must be no more than ${FEATURE_MAX} characters`));
    } else if (!FEATURE.test(feature)) {
      const why =
        "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or " +
        'MyFeature/mySubFeature), and contain only alphanumeric characters and slashes';
      problems.push(invalidValue(`${path}[${i}]`, feature, `${name}: ${why}`));
    }
    const next = features![i + 1];
    if (next === feature) problems.push(duplicate(`${path}[${i + 1}]`, next));
    else if (next !== undefined && feature > next) {
      problems.push(invalidValue(`${path}[${i + 1}]`, next, 'list must be sorted alphabetically'));
    }
    return problems;
  });
}

/** The same for the node and for its status: upstream has one function for both. */
export function nodeUpdateProblems(next: Node, current: Node): FieldProblem[] {
  const { spec, status } = next;
  const seen = new Set<string>();
  const problems = [
    ...resourcesProblems(status),
    ...featuresProblems(status.declaredFeatures),
    ...each(status.addresses, 'status.addresses', ({ type, address }, at) => {
      const id = `${type} ${address}`;
      const rows = seen.has(id) ? [duplicate(at, { Type: type, Address: address })] : [];
      seen.add(id);
      return rows;
    }),
  ];
  const [now, was] = [spec.podCIDRs ?? [], current.spec.podCIDRs ?? []];
  const fixed = forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid');
  if (was.length > 0 && was.length !== now.length) problems.push(fixed);
  else for (const [i, cidr] of was.entries()) if (cidr !== now[i]) problems.push(fixed);
  const { providerID } = current.spec;
  if (providerID && providerID !== spec.providerID) {
    problems.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  if (spec.configSource) problems.push(...configSourceProblems(spec.configSource, 'spec.configSource'));
  problems.push(...taintsProblems(spec.taints, 'metadata.taints'));
  if ((spec.externalID ?? '') !== (current.spec.externalID ?? '')) {
    problems.push(forbidden('spec.externalID', 'may not be updated'));
  }
  return problems;
}

type ConfigSource = NonNullable<Node['spec']['configSource']>;

/** Nobody uses it any more; it is still looked at. */
function configSourceProblems({ configMap }: ConfigSource, path: string): FieldProblem[] {
  if (configMap === undefined) {
    return [invalidValue(path, { ConfigMap: null }, 'exactly one reference subfield must be non-nil')];
  }
  const at = `${path}.configMap`;
  const { uid, resourceVersion, namespace, name, kubeletConfigKey } = configMap;
  return [
    ...(uid ? [forbidden(`${at}.uid`, 'uid must not be set in spec')] : []),
    ...(resourceVersion ? [forbidden(`${at}.resourceVersion`, 'resourceVersion must not be set in spec')] : []),
    ...requiredName(`${at}.namespace`, namespace, dns1123Label),
    ...requiredName(`${at}.name`, name, dns1123Subdomain),
    ...requiredName(`${at}.kubeletConfigKey`, kubeletConfigKey, configMapKey),
  ];
}

export function nodeWarnings({ spec }: Node): string[] {
  return [
    ...(spec.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
    ...(spec.podCIDRs ?? []).flatMap((cidr, i) => cidrWarnings(`spec.podCIDRs[${i}]`, cidr)),
  ];
}

// Labels of nodes that have other names now, and who still asks for them.
import { labelValue } from '../../../api/names.ts';

export const OLD_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

interface Term {
  readonly matchExpressions?: readonly { readonly key: string; readonly values?: readonly string[] }[];
}

export function nodeTermWarnings(term: Term | undefined, path: string, { values = true } = {}): string[] {
  return (term?.matchExpressions ?? []).flatMap(({ key, values: wanted = [] }, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const wrong = values
      ? wanted.flatMap((value, j) => labelValue(value).map((why) => `${at}.values[${j}]: ${why}`))
      : [];
    return [...(OLD_LABELS[key] ? [`${at}.key: ${key} is ${OLD_LABELS[key]}`] : []), ...wrong];
  });
}

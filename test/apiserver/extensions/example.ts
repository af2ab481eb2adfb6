// A definition to begin with, and the schema inside of it.

import type { ResourceDefinition } from '../../../api/resource.ts';
import type { KubeObject, New } from '../../../api/schema/kind.ts';
import type { CustomResourceDefinition } from '../../../api/types/apiextensions/custom-resource-definition.ts';
import type { JSONSchemaProps } from '../../../api/types/apiextensions/json-schema-props.ts';
import { kindVersions } from '../../../apiserver/controllers/custom-kinds.ts';

export type Crd = CustomResourceDefinition;
type Version = Crd['spec']['versions'][number];

export function aVersion(name: string, schema: JSONSchemaProps, more: Partial<Version> = {}): Version {
  return { name, served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more };
}

export function aDefinition(plural: string, versions: Version[], spec: Partial<Crd['spec']> = {}): New<Crd> {
  const kind = `${plural[0]!.toUpperCase()}${plural.slice(1, -1)}`;
  const names = { plural, singular: plural.slice(0, -1), kind, listKind: `${kind}List` };
  const whole = { group: 'test.example.com', scope: 'Namespaced', names, versions, ...spec };
  return { metadata: { name: `${plural}.${whole.group}` }, spec: whole };
}

/** As the store has it, settled. */
export function established(
  of: New<Crd>,
  conditions: [type: string, status: string][] = [['Established', 'True']],
): Crd {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    ...of,
    metadata: { uid: `uid-${of.metadata.name}`, resourceVersion: '1', creationTimestamp: '', ...of.metadata },
    status: {
      acceptedNames: of.spec.names,
      conditions: conditions.map(([type, status]) => ({ type, status, lastTransitionTime: '2026-01-01T00:00:00Z' })),
      storedVersions: ['v1'],
    },
  } as Crd;
}

/** What a client needs to know of the kind. */
export function kindOf(of: New<Crd>, version = 0): ResourceDefinition<KubeObject> {
  return kindVersions(established(of))[version]! as ResourceDefinition<KubeObject>;
}

export const anything: JSONSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
export const withSpec = (properties: Record<string, JSONSchemaProps>, more: JSONSchemaProps = {}): JSONSchemaProps => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, ...more } },
});

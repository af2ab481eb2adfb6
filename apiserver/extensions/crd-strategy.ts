// CustomResourceDefinitions as a kind: checked whole, never gone before their objects are.
import { timestamp } from '../../api/clock.ts';
import { isKnownFormat } from '../../api/schema/formats.ts';
import type { CustomResourceDefinition } from '../../api/types/apiextensions/custom-resource-definition.ts';
import type { JSONSchemaProps } from '../../api/types/apiextensions/json-schema-props.ts';
import type { Strategy } from '../registry/strategy.ts';
import { withCondition } from './crd-naming.ts';
import { changedDefinitionProblems, newDefinitionProblems } from './crd-validation.ts';

export const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

export const crdStrategy: Strategy<CustomResourceDefinition> = {
  hasGeneration: true,
  prepareForUpdate(next) {
    // Objects may lie about in every version that ever was the stored one.
    const stored = next.spec.versions?.find(({ storage }) => storage)?.name;
    const known = next.status.storedVersions ?? [];
    if (stored === undefined || known.includes(stored)) return;
    next.status = { ...next.status, storedVersions: [...known, stored] };
  },
  validateCreate: newDefinitionProblems,
  validateUpdate: changedDefinitionProblems,
  warnings(crd, previous) {
    const known = new Set(previous === undefined ? [] : formatsOf(previous));
    const odd = formatsOf(crd).filter((format) => !isKnownFormat(format) && !known.has(format));
    return [...new Set(odd)].map((format) => `unrecognized format ${JSON.stringify(format)}`);
  },
  isHeld: ({ metadata }) => metadata.deletionTimestamp === undefined,
  markDeleted(crd) {
    const { metadata } = crd;
    const finalizers = metadata.finalizers ?? [];
    if (finalizers.includes(CLEANUP)) return;
    metadata.finalizers = [...finalizers, CLEANUP];
    const pending = {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    };
    const now = metadata.deletionTimestamp ?? timestamp(0);
    crd.status = { ...crd.status, conditions: withCondition(crd.status.conditions, pending, now) };
  },
};

function formatsOf({ spec }: CustomResourceDefinition): string[] {
  return (spec.versions ?? []).flatMap(({ schema }) => formatsIn(schema?.openAPIV3Schema));
}

function formatsIn(schema: JSONSchemaProps | undefined): string[] {
  if (schema === undefined) return [];
  const { format, items, properties = {}, additionalProperties } = schema;
  return [
    ...(format ? [format] : []),
    ...Object.values(properties).flatMap(formatsIn),
    ...(typeof items === 'object' && !Array.isArray(items) ? formatsIn(items) : []),
    ...(typeof additionalProperties === 'object' ? formatsIn(additionalProperties) : []),
  ];
}

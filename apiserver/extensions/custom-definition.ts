// From a CustomResourceDefinition to what the registry serves: a ResourceDefinition and a strategy for each version.
import { apiVersionOf, type ResourceDefinition, type SubresourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { ObjectSchema } from '../../api/schema/schema.ts';
import { ApiError, methodNotSupported } from '../../api/status.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../api/types/apiextensions/custom-resource-definition.ts';
import { customResourceDefinitions } from '../../api/types/apiextensions/resources.ts';
import { Scale } from '../../api/types/autoscaling/scale.ts';
import { ALL_VERBS, PART } from '../../api/types/resource-parts.ts';
import { createObject } from '../registry/create.ts';
import type { Handler, Strategy } from '../registry/strategy.ts';
import { columnsOf } from './columns.ts';
import { isTrue } from './crd-naming.ts';
import { conversions } from './custom-conversion.ts';
import { customScale } from './custom-scale.ts';
import { changedObjectProblems, newObjectProblems } from './custom-validation.ts';
import { customSchema } from './structural-schema.ts';

export interface CustomVersion {
  readonly definition: ResourceDefinition;
  readonly strategy: Strategy;
}

type Version = CustomResourceDefinitionVersion;

/** What is served of it, in its names as they were accepted. */
export function customVersions(crd: CustomResourceDefinition): CustomVersion[] {
  const parts = (crd.spec.versions ?? []).map((version) => {
    const { schema, rules } = customSchema(version.schema?.openAPIV3Schema);
    return { version, rules, definition: definitionOf(crd, version, schema) };
  });
  const stored = parts.find(({ version }) => version.storage) ?? parts[0];
  if (stored === undefined) return [];
  const convert = conversions(
    parts.map(({ definition }) => definition),
    stored.definition,
    crd.spec.conversion?.strategy === 'Webhook',
  );
  return parts
    .filter(({ version }) => version.served || (version.storage && isLeaving(crd)))
    .map(({ version, rules, definition }) => ({
      definition,
      strategy: strategyOf(crd, version, definition, rules, convert(definition)),
    }));
}

/** Its objects have to be reached once more, by whoever deletes them, although no version is served. */
export function isLeaving(crd: CustomResourceDefinition): boolean {
  return isTrue(crd, 'Terminating') && !crd.spec.versions?.some(({ served }) => served);
}

const SCALE: SubresourceDefinition = {
  verbs: ['get', 'patch', 'update'],
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  schema: Scale as ObjectSchema,
};

function definitionOf(
  { spec, status }: CustomResourceDefinition,
  version: Version,
  schema: ObjectSchema,
): ResourceDefinition {
  const { plural, singular = '', kind, listKind = `${kind}List`, shortNames, categories } = status.acceptedNames!;
  const { subresources } = version;
  const stored = spec.versions?.find(({ storage }) => storage)?.name ?? version.name;
  return {
    group: spec.group,
    version: version.name,
    kind,
    listKind,
    plural,
    singular,
    ...(shortNames && { shortNames }),
    ...(categories && { categories }),
    namespaced: spec.scope === 'Namespaced',
    verbs: ALL_VERBS,
    schema: schema as ObjectSchema<KubeObject>,
    subresources: {
      ...(subresources?.status !== undefined && { status: PART }),
      ...(subresources?.scale !== undefined && { scale: SCALE }),
    },
    // Even without fields of its own a custom kind words its refusals as one with fields.
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, '')),
    columns: columnsOf(version.additionalPrinterColumns),
    storageKey: `${spec.group}/${plural}`,
    storedAs: `${spec.group}/${stored}/${kind}`,
  };
}

function strategyOf(
  crd: CustomResourceDefinition,
  version: Version,
  definition: ResourceDefinition,
  rules: ObjectSchema,
  conversion: Strategy['conversion'],
): Strategy {
  const { subresources, deprecated, deprecationWarning } = version;
  const { kind } = definition;
  const hasStatus = subresources?.status !== undefined;
  const scale = subresources?.scale;
  const validateUpdate = (next: KubeObject, current: KubeObject) => changedObjectProblems(rules, scale, next, current);
  return {
    ...(deprecated && { deprecated: deprecationWarning ?? `${apiVersionOf(definition)} ${kind} is deprecated` }),
    hasGeneration: true,
    allowUnconditionalUpdate: false,
    ...(conversion && { conversion }),
    validateCreate: (object) => newObjectProblems(rules, scale, object),
    validateUpdate,
    ...(!hasStatus && { prepareForUpdate: countStatus }),
    ...(hasStatus && { ignoredFields: fieldsBesideStatus(definition) }),
    handlers: { create: creatorOf(crd.metadata.name) },
    subresources: {
      ...(hasStatus && { status: { prepareForUpdate: keepMetadata, validateUpdate } }),
      ...(scale && { scale: { ...customScale(scale), validateUpdate } }),
    },
  };
}

/** Asked of the definition as it is now: watches of the kind go on while its objects go. */
function creatorOf(crdName: string): Handler {
  return async (request, registry) => {
    const crd = registry.objects(customResourceDefinitions).get('', crdName);
    if (crd !== undefined && isTrue(crd, 'Terminating')) {
      const { code, reason, details } = methodNotSupported(request.resource, 'create');
      throw new ApiError(code, reason, 'create not allowed while custom resource definition is terminating', details);
    }
    return createObject(registry.storeOf(request.resource), request);
  };
}

type WithStatus = KubeObject & { status?: unknown };

/** Where the status is no part of its own, a change of it counts like any other. */
function countStatus(next: WithStatus, current: WithStatus): void {
  const { generation } = current.metadata;
  if (generation === undefined || JSON.stringify(next.status) === JSON.stringify(current.status)) return;
  next.metadata.generation = generation + 1;
}

/** A write to /status changes nothing else, labels and finalizers included. */
function keepMetadata(next: KubeObject, current: KubeObject): void {
  const { managedFields } = next.metadata;
  next.metadata = { ...current.metadata, ...(managedFields && { managedFields }) };
}

function fieldsBesideStatus({ schema }: ResourceDefinition): NonNullable<Strategy['ignoredFields']> {
  const others = ['metadata', ...Object.keys(schema.fields)].filter(
    (name) => !['apiVersion', 'kind', 'status'].includes(name),
  );
  const ofStatus = [...new Set(others)];
  return (subresource) => (subresource === 'status' ? ofStatus : undefined);
}

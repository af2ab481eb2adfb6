// The parts of a version of a definition: schema, subresources, columns, selectable fields. Each is asked for where it
// stands: in its version, or above all versions when they have it in common.
import type { FieldProblem } from '../../api/status.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
  SelectableField,
} from '../../api/types/apiextensions/custom-resource-definition.ts';
import type { JSONSchemaProps } from '../../api/types/apiextensions/json-schema-props.ts';
import { duplicate, forbidden, invalidValue, required } from '../registry/validation/problems.ts';
import { defaultProblems } from './default-rules.ts';
import { schemaProblems } from './schema-rules.ts';
import { isStructured, structuralProblems } from './structural-rules.ts';

type Version = CustomResourceDefinitionVersion;
type Subresources = NonNullable<Version['subresources']>;

/** `version` holds the parts to look at; `whole` all of the version that they belong to. */
export function versionPartProblems(
  version: Version,
  path: string,
  whole: Version,
  names: { readonly schema: string } = { schema: 'schema' },
): FieldProblem[] {
  const { schema, subresources, additionalPrinterColumns = [], selectableFields = [] } = version;
  const source = whole.schema?.openAPIV3Schema;
  return [
    ...(schema?.openAPIV3Schema === undefined
      ? []
      : wholeSchema(
          schema.openAPIV3Schema,
          `${path}.${names.schema}.openAPIV3Schema`,
          whole.subresources?.status !== undefined,
        )),
    ...(subresources === undefined ? [] : scaleProblems(subresources, `${path}.subresources`)),
    ...additionalPrinterColumns.flatMap((column, i) =>
      columnProblems(column, `${path}.additionalPrinterColumns[${i}]`),
    ),
    ...selectableProblems(selectableFields, source, `${path}.selectableFields`),
  ];
}

const AT_ROOT_BESIDE_STATUS = [
  'description',
  'type',
  'format',
  'title',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'multipleOf',
  'required',
  'items',
  'properties',
  'externalDocs',
  'example',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
];

function wholeSchema(schema: JSONSchemaProps, path: string, hasStatus: boolean): FieldProblem[] {
  const problems: FieldProblem[] = hasStatus ? besideStatus(schema, path) : [];
  if (schema.nullable) problems.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
  problems.push(...schemaProblems(schema, path));
  if (!isStructured(schema)) {
    // Other rules have said so already.
    return problems.length > 0 ? problems : [invalidValue(path, '', 'the schema is not structural')];
  }
  const structural = structuralProblems(schema, path);
  return [...problems, ...(structural.length > 0 ? structural : defaultProblems(schema, path))];
}

/** The status is validated by itself, so nothing at the root may speak of both halves at once. */
function besideStatus(schema: JSONSchemaProps, path: string): FieldProblem[] {
  if (schema.type !== undefined && schema.type !== 'object') {
    const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    return [invalidValue(`${path}.type`, schema.type, why)];
  }
  if (Object.keys(schema).every((name) => AT_ROOT_BESIDE_STATUS.includes(name))) return [];
  const goNames: Readonly<Record<string, string>> = {
    'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
    'x-kubernetes-validations': 'XValidations',
  };
  const allowed = AT_ROOT_BESIDE_STATUS.map((name) => goNames[name] ?? `${name[0]!.toUpperCase()}${name.slice(1)}`);
  const why = `only [${allowed.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`;
  return [invalidValue(path, schema, why)];
}

function scaleProblems({ scale }: Subresources, path: string): FieldProblem[] {
  if (scale === undefined) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return [
    ...pathProblems(
      `${path}.scale.specReplicasPath`,
      specReplicasPath,
      ['.spec.'],
      'should be a json path under .spec',
    ),
    ...pathProblems(
      `${path}.scale.statusReplicasPath`,
      statusReplicasPath,
      ['.status.'],
      'should be a json path under .status',
    ),
    ...(labelSelectorPath
      ? pathProblems(
          `${path}.scale.labelSelectorPath`,
          labelSelectorPath,
          ['.spec.', '.status.'],
          'should be a json path under either .spec or .status',
        )
      : []),
  ];
}

function pathProblems(place: string, text: string, below: readonly string[], why: string): FieldProblem[] {
  if (!text) return [required(place)];
  if (!text.startsWith('.')) return [invalidValue(place, text, 'must be a simple json path starting with .')];
  return below.some((prefix) => text.startsWith(prefix)) ? [] : [invalidValue(place, text, why)];
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function columnProblems({ name, type, format, jsonPath }: CustomResourceColumnDefinition, path: string) {
  const problems: FieldProblem[] = [];
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (!name) problems.push(required(`${path}.name`));
  if (!type) problems.push(required(`${path}.type`, types));
  else if (!COLUMN_TYPES.includes(type)) problems.push(invalidValue(`${path}.type`, type, types));
  if (format && !COLUMN_FORMATS.includes(format)) {
    problems.push(invalidValue(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  }
  if (!jsonPath) problems.push(required(`${path}.JSONPath`));
  else if (!jsonPath.startsWith('.')) {
    problems.push(invalidValue(`${path}.JSONPath`, jsonPath, 'must be a simple json path starting with .'));
  }
  return problems;
}

const SELECTABLE_MAX = 8;
const SELECTABLE_TYPES = ['string', 'boolean', 'integer'];

function selectableProblems(
  fields: readonly SelectableField[],
  source: JSONSchemaProps | undefined,
  path: string,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const seen = new Set<string>();
  fields.forEach(({ jsonPath }, i) => {
    const place = `${path}[${i}].jsonPath`;
    if (!jsonPath) problems.push(required(place));
    else if (!/^(\.[A-Za-z_][\w-]*)+$/.test(jsonPath)) {
      problems.push(invalidValue(place, jsonPath, 'is an invalid path: must be a simple json path starting with .'));
    } else if (jsonPath.startsWith('.metadata.')) {
      problems.push(invalidValue(place, jsonPath, 'must not point to fields in metadata'));
    } else {
      const at = schemaAt(source, jsonPath.slice(1).split('.'));
      if (at === undefined)
        problems.push(invalidValue(place, jsonPath, 'is an invalid path: does not refer to a valid field'));
      else if (!SELECTABLE_TYPES.includes(at.type ?? '')) {
        const why =
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed';
        problems.push(invalidValue(place, jsonPath, why));
      }
    }
    if (seen.has(jsonPath)) problems.push(duplicate(place, jsonPath));
    seen.add(jsonPath);
  });
  if (fields.length > SELECTABLE_MAX) {
    const message = `Too many: ${fields.length}: must have at most ${SELECTABLE_MAX} items`;
    problems.push({ path, reason: 'FieldValueTooMany', message });
  }
  return problems;
}

function schemaAt(schema: JSONSchemaProps | undefined, steps: readonly string[]): JSONSchemaProps | undefined {
  let at = schema;
  for (const step of steps) at = at?.properties?.[step];
  return at;
}

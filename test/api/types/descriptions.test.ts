import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ObjectSchema, resolve, type Schema } from '../../../api/schema/schema.ts';
import { describedDefinitions, descriptionOf } from '../../../api/types/descriptions.ts';
import { builtinResources } from '../../../api/types/resources.ts';

const definitions = new Map<string, ObjectSchema>();
for (const { schema, subresources } of builtinResources) {
  collect(schema);
  for (const part of Object.values(subresources)) if (part.schema) collect(part.schema);
}

function collect(given: Schema): void {
  const schema = resolve(given);
  if (schema.kind === 'list') collect(schema.items);
  else if (schema.kind === 'map') collect(schema.values);
  else if (schema.kind === 'object' && schema.name && !definitions.has(schema.name)) {
    definitions.set(schema.name, schema);
    for (const field of Object.values(schema.fields)) collect(field.schema);
  }
}

test('every description is of something that exists', () => {
  const machinery = /\.meta\.v1\.(DeleteOptions|Preconditions|Status|ListMeta)$/;
  const lost = [...describedDefinitions()].flatMap(([name, texts]) => {
    const definition = definitions.get(name);
    if (definition === undefined) return machinery.test(name) ? [] : [name];
    return Object.keys(texts)
      .filter((field) => field !== '' && !Object.hasOwn(definition.fields, field))
      .map((field) => `${name}.${field}`);
  });
  assert.deepEqual(lost, []);
});

test('every kind that is served says what it is', () => {
  const silent = builtinResources.filter(({ schema }) => descriptionOf(schema.name!) === undefined);
  assert.deepEqual(
    silent.map(({ kind }) => kind),
    [],
  );
});

const byHand =
  /\.(PodSpec|Container|Volume|DeploymentSpec|ServiceSpec|ServicePort|IngressSpec|JobSpec|CronJobSpec|PersistentVolumeClaimSpec|NetworkPolicySpec|PolicyRule|ObjectMeta|Probe|SecurityContext|PodSecurityContext|StatefulSetSpec|DaemonSetSpec|ConfigMap|Secret)$/;

test('every field that people write by hand says what it is for', () => {
  const silent = [...definitions]
    .filter(([name]) => byHand.test(name))
    .flatMap(([name, { fields }]) => Object.keys(fields).map((field) => [name, field] as const))
    .filter(([name, field]) => descriptionOf(name, field) === undefined)
    .map(([name, field]) => `${name}.${field}`);
  assert.deepEqual(silent, []);
});

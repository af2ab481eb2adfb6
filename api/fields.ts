// Field selectors: `spec.nodeName=n1,status.phase!=Running`. Which fields a kind can be selected by stands in its
// ResourceDefinition; this file parses and checks selectors and reads the fields of objects.
import type { ResourceDefinition } from './resource.ts';
import { resolve, type Schema } from './schema/schema.ts';
import { type ApiError, badRequest } from './status.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}
/** Reads one selectable field; what is unset is the zero of its type: '', 'false' or '0'. */
export type FieldReader = (object: unknown) => string;

/** Throws 400 BadRequest in upstream's words. The empty text selects everything. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitTerms(text)
    .sort()
    .filter((term) => term !== '')
    .map((term) => {
      const parts = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
      if (parts === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      const [, field = '', operator, value = ''] = parts;
      return { field, operator: operator === '!=' ? '!=' : '=', value: unescaped(value) };
    });
}

/** At the commas that no backslash protects. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === ',') {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function unescaped(value: string): string {
  let plain = '';
  for (let at = 0; at < value.length; at++) {
    const char = value[at]!;
    if (char === '\\') {
      at++;
      const next = value[at] ?? '';
      if (next !== '\\' && next !== ',' && next !== '=') {
        throw badRequest(`invalid field selector: invalid escape sequence: ${char}${next}`);
      }
      plain += next;
    } else if (char === '=' || char === ',') {
      throw badRequest(`invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`);
    } else plain += char;
  }
  return plain;
}

type Selectable = Pick<ResourceDefinition, 'namespaced' | 'selectableFields'>;
const ALWAYS = ['metadata.name', 'metadata.namespace'];

/** The first field that this kind cannot be selected by, as an error. Kinds without fields of their own word it otherwise. */
export function unknownField(requirements: readonly FieldRequirement[], of: Selectable): ApiError | undefined {
  const known = [...ALWAYS, ...(of.selectableFields ?? [])];
  const unknown = requirements.find(({ field }) => !known.includes(field));
  if (unknown === undefined) return undefined;
  return badRequest(
    of.selectableFields === undefined
      ? `${JSON.stringify(unknown.field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
      : `field label not supported: ${unknown.field}`,
  );
}

/** Fields whose value is not at the place their name says. */
const ELSEWHERE: Readonly<Record<string, FieldReader>> = {
  'Event/source': (object) => {
    const event = object as { source?: { component?: string }; reportingComponent?: string };
    return event.source?.component || event.reportingComponent || '';
  },
  'Job/status.successful': (object) => String((object as { status?: { succeeded?: number } }).status?.succeeded ?? 0),
};

/** A reader for each field a kind can be selected by. Make it once per kind. */
export function fieldReaders(
  of: Pick<ResourceDefinition, 'kind' | 'schema' | 'selectableFields'>,
): ReadonlyMap<string, FieldReader> {
  const fields = [...ALWAYS, ...(of.selectableFields ?? [])];
  return new Map(fields.map((field) => [field, ELSEWHERE[`${of.kind}/${field}`] ?? readerOf(of.schema, field)]));
}

function readerOf(schema: Schema, path: string): FieldReader {
  const steps = path.split('.');
  // A custom object without the field has nothing there, whatever its type.
  const isCustom = schema.kind === 'object' && schema.custom === true;
  const zero = isCustom ? '' : zeroAt(schema, steps);
  return (object) => {
    let at = object;
    for (const step of steps) {
      if (typeof at !== 'object' || at === null) return zero;
      at = (at as Record<string, unknown>)[step];
    }
    return at === undefined || at === null || typeof at === 'object' ? zero : String(at);
  };
}

function zeroAt(schema: Schema, steps: readonly string[]): string {
  let at: Schema | undefined = schema;
  for (const step of steps) {
    const whole: Schema | undefined = at && resolve(at);
    at = whole?.kind === 'object' ? whole.fields[step]?.schema : undefined;
  }
  if (at?.kind === 'boolean') return 'false';
  return at?.kind === 'int32' || at?.kind === 'int64' ? '0' : '';
}

export function fieldMatcher(
  requirements: readonly FieldRequirement[],
  readers: ReadonlyMap<string, FieldReader>,
): (object: unknown) => boolean {
  const tests = requirements.map(({ field, operator, value }) => {
    const read = readers.get(field) ?? (() => '');
    return operator === '=' ? (object: unknown) => read(object) === value : (object: unknown) => read(object) !== value;
  });
  return (object) => tests.every((test) => test(object));
}

/** The value that a field must have exactly, if the selector says so: lets indexes answer. */
export function exactField(requirements: readonly FieldRequirement[], field: string): string | undefined {
  return requirements.find((requirement) => requirement.field === field && requirement.operator === '=')?.value;
}

export function fieldSelectorText(requirements: readonly FieldRequirement[]): string {
  const escaped = (value: string) => value.replace(/[\\,=]/g, '\\$&');
  return requirements.map(({ field, operator, value }) => `${field}${operator}${escaped(value)}`).join(',');
}

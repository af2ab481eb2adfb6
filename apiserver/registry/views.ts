// The two halves of an object with a status: the main path writes one, /status the other. The engine sees to it for
// every kind that has the subresource; a strategy only says what is different.
import type { ResourceDefinition } from '../../api/resource.ts';
import { decode } from '../../api/schema/decode.ts';
import { applyDefaults } from '../../api/schema/defaults.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { ObjectSchema } from '../../api/schema/schema.ts';

type WithStatus = KubeObject & { status?: unknown };

/** What a client says of the status of a new object is not heard. */
export function resetStatus({ schema }: ResourceDefinition, object: WithStatus): void {
  const field = schema.fields['status'];
  if (schema.custom || field === undefined) delete object.status;
  else {
    object.status = decode(field.schema, {}).value;
    applyDefaults(schema as ObjectSchema, object);
  }
}

/** A write by the main path leaves the status as it is. */
export function keepStatus(next: WithStatus, current: WithStatus): void {
  if (current.status === undefined) delete next.status;
  else next.status = current.status;
}

/** A write to /status leaves everything but metadata and status as it is. */
export function statusOnly(next: WithStatus, current: WithStatus): void {
  const { metadata, status } = next;
  for (const key of Object.keys(next)) delete (next as unknown as Record<string, unknown>)[key];
  Object.assign(next, current, { metadata });
  if (status === undefined) delete next.status;
  else next.status = status;
}

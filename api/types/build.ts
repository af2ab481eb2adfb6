// Two builders that only the built-in kinds need: fields that JSON shows flat but protobuf has one message deeper, and
// lists of words from a fixed set.
import type { Field, ScalarSchema } from '../schema/schema.ts';

/** The fields, each with the protobuf message it travels in: `...inline(2, 'volumeSource', volumeSources)`. */
export function inline<F extends Readonly<Record<string, Field>>>(proto: number, message: string, fields: F): F {
  const via = [[proto, message]] as const;
  const moved = Object.entries(fields).map(([name, field]) => [
    name,
    { ...field, via: [...via, ...(field.via ?? [])] },
  ]);
  return Object.fromEntries(moved) as F;
}

/** An item of a list, or a value of a map, that is one of these words. */
export function oneOf<const E extends string>(...words: readonly E[]): ScalarSchema<E> {
  return { kind: 'string', constraints: { enum: words } };
}

export function isEmpty(map: Readonly<Record<string, unknown>> | undefined): boolean {
  return map === undefined || Object.keys(map).length === 0;
}

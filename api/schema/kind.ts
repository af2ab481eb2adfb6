// The shape every top-level kind shares: apiVersion, kind, metadata, and what is its own.

import { ObjectMeta } from '../types/meta/object-meta.ts';
import { field, type ObjectSchema, type object, string, type TypeOfFields } from './schema.ts';

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** `spec` and `status` are always written, so readers need not ask whether they are there. */
type Always<T> = T & { [K in keyof T & ('spec' | 'status')]-?: NonNullable<T[K]> };

type Fields = Parameters<typeof object>[1];
export type KindOf<F extends Fields> = KubeObject & Always<TypeOfFields<F>>;

/** What a client sends to create: the server fills in the rest. */
export type New<T extends KubeObject> = Omit<T, 'apiVersion' | 'kind' | 'metadata' | 'status'> & {
  apiVersion?: string;
  kind?: string;
  metadata: Partial<ObjectMeta>;
  status?: unknown;
};

export function kind<const F extends Fields>(
  name: string,
  fields: F,
  options: { description?: string; defaults?: (value: KindOf<F>) => void } = {},
): ObjectSchema<KindOf<F>> {
  return {
    kind: 'object',
    name,
    fields: {
      apiVersion: string(0),
      kind: string(0),
      metadata: field(1, ObjectMeta, { emitZero: {} }),
      ...fields,
    },
    ...options,
  };
}

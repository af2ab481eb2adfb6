// Metadata inside templates: the same fields, but nothing of it is there for certain.
import type { ObjectSchema } from '../../schema/schema.ts';
import { ObjectMeta } from './object-meta.ts';

export type TemplateMeta = Partial<ObjectMeta>;
export const TemplateMeta = ObjectMeta as ObjectSchema<unknown> as ObjectSchema<TemplateMeta>;

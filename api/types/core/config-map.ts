// ConfigMap and Secret: data for pods.

import { kind } from '../../schema/kind.ts';
import { aString, boolean, map, ptr, someBytes, string, type TypeOf } from '../../schema/schema.ts';

export const ConfigMap = kind('io.k8s.api.core.v1.ConfigMap', {
  data: map(2, aString),
  binaryData: map(3, someBytes),
  immutable: boolean(4, { ptr }),
});
export type ConfigMap = TypeOf<typeof ConfigMap>;

export const Secret = kind(
  'io.k8s.api.core.v1.Secret',
  {
    data: map(2, someBytes),
    type: string(3),
    stringData: map(4, aString),
    immutable: boolean(5, { ptr }),
  },
  {
    defaults(value) {
      value.type ||= 'Opaque';
      // Plain text is for writing only: it ends up in data and wins over what is there.
      for (const [key, text] of Object.entries(value.stringData ?? {})) {
        value.data ??= {};
        value.data[key] = Buffer.from(text).toString('base64');
      }
      delete value.stringData;
    },
  },
);
export type Secret = TypeOf<typeof Secret>;

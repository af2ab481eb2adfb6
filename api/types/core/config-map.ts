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
      const { stringData } = value;
      if (stringData === undefined) return;
      const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
      // From entries, for a key may be called __proto__.
      value.data = Object.fromEntries([...Object.entries(value.data ?? {}), ...encoded]);
      delete value.stringData;
    },
  },
);
export type Secret = TypeOf<typeof Secret>;

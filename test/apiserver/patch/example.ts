// A kind small enough to read and rich enough to merge: maps, a keyed list with a defaulted key, a set, an atomic
// list and an atomic structure.
import { kind } from '../../../api/schema/kind.ts';
import { aString, field, int32, list, map, object, quantity, required, string } from '../../../api/schema/schema.ts';
import type { Stored } from '../../../apiserver/patch/apply.ts';

const Port = object('Port', {
  port: int32(1, { required }),
  protocol: string(2, { default: 'TCP' }),
  name: string(3),
});

const Item = object('Item', {
  name: string(1, { required }),
  image: string(2),
  cpu: quantity(3),
  args: list(4, aString, { listType: 'atomic' }),
  env: map(5, aString),
});

const Selector = object('Selector', { matchLabels: map(1, aString) }, { mapType: 'atomic' });

const Spec = object('Spec', {
  replicas: int32(1, { ptr: true }),
  selector: field(2, Selector, { ptr: true }),
  items: list(3, Item, { listType: 'map', keys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  ports: list(4, Port, { listType: 'map', keys: ['port', 'protocol'], patchStrategy: 'merge', patchMergeKey: 'port' }),
  flags: list(5, aString, { listType: 'set', patchStrategy: 'merge' }),
  strategy: field(6, object('Strategy', { type: string(1), rolling: map(2, aString) }), {
    ptr: true,
    patchStrategy: 'retainKeys',
  }),
});

export const Example = kind('Example', {
  spec: field(2, Spec, { emitZero: {} }),
  data: map(3, aString),
});

export function example(parts: { spec?: unknown; data?: unknown; metadata?: Record<string, unknown> }): Stored {
  return { apiVersion: 'v1', kind: 'Example', ...parts, metadata: { name: 'x', ...parts.metadata } } as Stored;
}

// What every list carries in place of ObjectMeta.
import { field, int64, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';

export const ShardInfo = object('io.k8s.apimachinery.pkg.apis.meta.v1.ShardInfo', {
  selector: string(1, { required, emitZero: '' }),
});
export type ShardInfo = TypeOf<typeof ShardInfo>;

export const ListMeta = object('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta', {
  selfLink: string(1),
  resourceVersion: string(2),
  continue: string(3),
  remainingItemCount: int64(4, { ptr }),
  shardInfo: field(5, ShardInfo, { ptr }),
});
export type ListMeta = TypeOf<typeof ListMeta>;

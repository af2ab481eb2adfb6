// One event of a watch.
import { any, object, required, string, type TypeOf } from '../../schema/schema.ts';

export const WatchEvent = object('io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent', {
  type: string(1, { required, emitZero: '' }),
  object: any(2, 'io.k8s.apimachinery.pkg.runtime.RawExtension', { required, emitZero: null }),
});
export type WatchEvent = TypeOf<typeof WatchEvent>;

// From a pod that changed to the services it stands, or stood, behind.
import type { Informer } from '../../api/client/informer.ts';
import { keyOf } from '../../api/resource.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Service } from '../../api/types/core/service.ts';
import { selectedBy, selectsPods } from './endpoints-of-service.ts';

export function servicesOfPod(services: Informer<Service>) {
  return (_key: string, now: Pod | undefined, before: Pod | undefined): string[] => {
    const { namespace } = (now ?? before)!.metadata;
    const concerned = [...services.list(namespace)].filter((service) => {
      const selects = selectedBy(service);
      return selectsPods(service) && ((now !== undefined && selects(now)) || (before !== undefined && selects(before)));
    });
    return concerned.map(keyOf);
  };
}

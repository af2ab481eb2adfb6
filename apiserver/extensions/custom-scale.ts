// /scale of custom kinds: replicas and selector lie where the definition says.
import type { KubeObject } from '../../api/schema/kind.ts';
import { internalError } from '../../api/status.ts';
import type { CustomResourceSubresourceScale } from '../../api/types/apiextensions/custom-resource-definition.ts';
import { scaleOf } from '../registry/resources/scale.ts';
import type { SubresourceStrategy } from '../registry/strategy.ts';
import { setValueAt, valueAt } from './paths.ts';

export function customScale(paths: CustomResourceSubresourceScale): SubresourceStrategy {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = paths;
  return scaleOf<KubeObject>({
    replicas: (object) => countAt(object, specReplicasPath) ?? 0,
    setReplicas: (object, replicas) => setValueAt(object, specReplicasPath, replicas),
    current: (object) => countAt(object, statusReplicasPath) ?? 0,
    selector(object) {
      const selector = labelSelectorPath ? valueAt(object, labelSelectorPath) : undefined;
      return typeof selector === 'string' ? selector : '';
    },
    checkRead(object) {
      if (countAt(object, specReplicasPath) !== undefined) return;
      throw internalError(`the spec replicas field ${JSON.stringify(specReplicasPath)} does not exist`);
    },
    checksReplicas: true,
    path: specReplicasPath
      .split('.')
      .slice(1)
      .map((name) => `f:${name}`),
  });
}

function countAt(object: KubeObject, path: string): number | undefined {
  const value = valueAt(object, path);
  return typeof value === 'number' ? value : undefined;
}

// Versions of one custom kind: what is stored in one is read and written in all. Conversion None changes apiVersion and
// nothing else; what the target does not declare is pruned. Reading also fills in defaults that came later.
import { apiVersionOf, type ResourceDefinition } from '../../api/resource.ts';
import { clone } from '../../api/schema/clone.ts';
import { applyDefaults, fillsIn } from '../../api/schema/defaults.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { pruneValue } from '../../api/schema/prune.ts';
import { internalError } from '../../api/status.ts';
import type { Strategy } from '../registry/strategy.ts';

type Conversion = NonNullable<Strategy['conversion']>;

/** `foreign`: others convert between the versions, so an object can only be had in the one it is stored in. */
export function conversions(
  versions: readonly ResourceDefinition[],
  stored: ResourceDefinition,
  foreign: boolean,
): (definition: ResourceDefinition) => Conversion {
  const byApiVersion = new Map(versions.map((definition) => [apiVersionOf(definition), definition]));
  const convert = (object: KubeObject, to: ResourceDefinition): KubeObject => {
    const apiVersion = apiVersionOf(to);
    if (foreign && object.apiVersion !== apiVersion) throw notConverted(object.apiVersion, apiVersion, to);
    const pruned = pruneValue(to.schema, object) as KubeObject;
    return pruned.apiVersion === apiVersion ? pruned : { ...pruned, apiVersion };
  };
  return (definition) => ({
    stored: () => stored,
    toStored: (object) => convert(object, stored),
    fromStored: (object) => convert(defaulted(byApiVersion.get(object.apiVersion) ?? stored, object), definition),
  });
}

/** The object itself where there is nothing to fill in. */
function defaulted({ schema }: ResourceDefinition, object: KubeObject): KubeObject {
  if (!fillsIn(schema)) return object;
  const filled = applyDefaults(schema, clone(object));
  return deepEqual(filled, object) ? object : filled;
}

function notConverted(from: string, to: string, { kind }: ResourceDefinition): Error {
  return internalError(`conversion webhook for ${from}, Kind=${kind} is not called by this server: no ${to} of it`);
}

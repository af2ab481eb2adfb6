// What is special about each kind: the table of strategies. A kind that is not here is served as it is declared.
import { groupResource, type ResourceDefinition } from '../../../api/resource.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import type { Strategy } from '../strategy.ts';

const table = new Map<string, Strategy>();

function add<T extends KubeObject>(of: ResourceDefinition<T>, strategy: Strategy<T>): void {
  table.set(`${groupResource(of)}/${of.version}`, strategy as unknown as Strategy);
}
void add;

export function strategyOf(of: ResourceDefinition): Strategy {
  return table.get(`${groupResource(of)}/${of.version}`) ?? {};
}

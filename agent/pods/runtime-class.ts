// Which of the runtime's handlers runs a pod: its RuntimeClass says. A class never changes its handler, so what was
// read once is known for as long as this process lives.
import type { Client } from '../../api/client/client.ts';
import { isNotFound } from '../../api/status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { runtimeClasses } from '../../api/types/node/resources.ts';

const REMEMBERED_MAX = 100;

export function runtimeHandlers(client: Client): (pod: Pod, signal: AbortSignal) => Promise<string> {
  const known = new Map<string, string>();
  return async ({ spec: { runtimeClassName: name } }, signal) => {
    if (!name) return '';
    const before = known.get(name);
    if (before !== undefined) return before;
    const found = await client.get(runtimeClasses, { name }, {}, signal).catch((err) => {
      if (isNotFound(err)) throw new Error(`RuntimeClass "${name}" not found`, { cause: err });
      throw err;
    });
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(name, found.handler);
    return found.handler;
  };
}

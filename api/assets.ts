// Where files lie that are read or started at run time: protocol definitions, worker threads. Names are paths from
// the top of the tree, as literals, because cli/bundle.ts finds them in the sources and puts each beside the bundle
// under the same name (workers compiled, so `.ts` becomes `.mjs` there).
import { fileURLToPath } from 'node:url';

const inCheckout = import.meta.url.endsWith('/api/assets.ts');
const top = new URL(inCheckout ? '..' : '.', import.meta.url);

/** The path of a file that is read: `assetPath('proto/cri.proto')`. */
export function assetPath(name: string): string {
  return fileURLToPath(new URL(name, top));
}

/** What `new Worker` is given: `workerUrl('apiserver/store/worker.ts')`. */
export function workerUrl(name: string): URL {
  return new URL(inCheckout ? name : name.replace(/\.ts$/, '.mjs'), top);
}

// Nodes that have the pod's images already come first, counting less for images that few nodes have, so that such a
// node is not flooded.
import type { NodeInfo } from '../node-info.ts';
import { MAX_SCORE, type Plugin } from '../plugin.ts';
import type { Snapshot } from '../snapshot.ts';

/** Less than this is fetched in no time; more than that says nothing new. */
const MIN_BYTES = 23 << 20;
const MAX_BYTES_PER_CONTAINER = 1000 * (1 << 20);

export const imageLocality: Plugin = {
  name: 'ImageLocality',

  score({ images, containerCount }, snapshot) {
    if (images.every((image) => snapshot.imageHolders(image) === 0)) return undefined;
    const max = MAX_BYTES_PER_CONTAINER * containerCount;
    return {
      of(node) {
        const bytes = images.reduce((sum, image) => sum + sharedBytes(image, node, snapshot), 0);
        const within = Math.min(Math.max(bytes, MIN_BYTES), max);
        return Math.floor((MAX_SCORE * (within - MIN_BYTES)) / (max - MIN_BYTES));
      },
    };
  },
};

function sharedBytes(image: string, { images }: NodeInfo, snapshot: Snapshot): number {
  const bytes = images.get(image);
  return bytes === undefined ? 0 : bytes * (snapshot.imageHolders(image) / snapshot.nodes.length);
}

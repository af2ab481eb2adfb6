// Whether a running container is still what its specification asks for. Only the name and the image count, as
// upstream's: nothing else of a container may change in place that would need a new start.
import { createHash } from 'node:crypto';
import type { Container } from '../../api/types/core/container.ts';

export function containerHash({ name, image }: Container): string {
  return createHash('sha256')
    .update(JSON.stringify([name, image]))
    .digest('hex')
    .slice(0, 8);
}

// What can be read: health, pods, statistics. Every page is made anew when it is asked for.
import { type Answer, json, text } from './answer.ts';
import type { ServerDeps } from './deps.ts';
import { Problem } from './problem.ts';
import type { Page } from './route.ts';

export class Pages {
  readonly #deps: ServerDeps;

  constructor(deps: ServerDeps) {
    this.#deps = deps;
  }

  async answer(page: Page, _signal: AbortSignal): Promise<Answer> {
    const { pods } = this.#deps;
    switch (page) {
      case '/healthz':
        return text('ok');
      case '/pods':
        return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: [...pods.pods()] });
      default:
        throw new Problem(404, '404 page not found\n');
    }
  }
}

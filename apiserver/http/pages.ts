// Everything below other paths than resources: documents, health, version, metrics, keys. Each is a small function.
import type { Answer, Req } from './answer.ts';
import type { Target } from './route.ts';

export interface Pages {
  /** Undefined: there is nothing at this path. */
  answer(
    target: Exclude<Target, { type: 'resource' }>,
    path: string,
    query: URLSearchParams,
    req: Req,
    signal: AbortSignal,
  ): Promise<Answer | undefined>;
}

export function textAnswer(code: number, text: string): Answer {
  const bytes = Buffer.from(text);
  return { code, contentType: 'text/plain; charset=utf-8', chunks: [bytes], length: bytes.length };
}

export function plainNotFound(): Answer {
  return textAnswer(404, '404 page not found\n');
}

export type Page = (
  path: string,
  query: URLSearchParams,
  req: Req,
  signal: AbortSignal,
) => Answer | undefined | Promise<Answer | undefined>;

/** Exact paths first, then the first prefix that ends in a slash. */
export class PageTable implements Pages {
  readonly #pages = new Map<string, Page>();
  readonly #discovery: (target: { group?: string; version?: string }, req: Req) => Answer | undefined;

  constructor(discovery: (target: { group?: string; version?: string }, req: Req) => Answer | undefined) {
    this.#discovery = discovery;
  }

  get paths(): string[] {
    return [...this.#pages.keys()];
  }

  add(path: string, page: Page): this {
    this.#pages.set(path, page);
    return this;
  }

  async answer(...[target, path, query, req, signal]: Parameters<Pages['answer']>): Promise<Answer | undefined> {
    if (target.type === 'discovery') return this.#discovery(target, req);
    const exact = this.#pages.get(path);
    if (exact !== undefined) return exact(path, query, req, signal);
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const found = this.#pages.get(path.slice(0, at + 1));
      if (found !== undefined) return found(path, query, req, signal);
    }
    return undefined;
  }
}

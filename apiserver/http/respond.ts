// One resource request: through the registry, and its response in the representation that was asked for.
import type { Registry } from '../registry/registry.ts';
import type { ApiRequest, ApiResponse } from '../registry/request.ts';
import { type Answer, type Req, type Res, send, writeHead } from './answer.ts';
import { proxyRequest } from './proxy.ts';
import { type Representation, representationOf } from './representation.ts';
import { type Backlog, streamWatch } from './watch-stream.ts';

export interface RespondDeps {
  readonly registry: Registry;
  readonly backlog: Backlog;
  /** Called when the work is done and only its answer is to be sent. */
  readonly handled: () => void;
}

export async function respond(req: Req, res: Res, request: ApiRequest, deps: RespondDeps): Promise<void> {
  const { registry } = deps;
  const { signal } = request;
  const representation = representationOf(req, request, registry);
  const response = await registry.handle(request).catch((err: unknown) => {
    // A refusal carries them too.
    for (const [name, value] of Object.entries(warningHeaders(request.warnings))) res.setHeader(name, value);
    throw err;
  });
  const warnings = warningHeaders(request.warnings);
  if (response.type === 'watch') {
    const encoding = representation.watch();
    for (const [name, value] of Object.entries(warnings)) res.setHeader(name, value);
    writeHead(res, 200, { 'content-type': encoding.contentType });
    // The head goes at once: a watch may be silent for long.
    if (!('stream' in res)) res.flushHeaders();
    await streamWatch(res, response, encoding, deps.backlog, signal);
    return;
  }
  if (response.type === 'connect') {
    await proxyRequest(req, res, request, response, registry.nodes);
    return;
  }
  const answer = await answerOf(response, representation);
  deps.handled();
  await send(req, res, { ...answer, headers: { ...answer.headers, ...warnings } }, signal);
}

function answerOf(
  response: Exclude<ApiResponse, { type: 'watch' | 'connect' }>,
  as: Representation,
): Answer | Promise<Answer> {
  switch (response.type) {
    case 'object':
      return as.object(response);
    case 'list':
      return as.list(response);
    case 'value':
      return as.value(response);
  }
}

const CONTROL = /\p{Cc}/u;

/** RFC 7234's warnings, the way clients of Kubernetes print them. */
function warningHeaders(warnings: readonly string[]): Record<string, string[]> {
  // A header cannot carry control characters; what has them goes unsaid.
  const unique = [...new Set(warnings)].filter((text) => !CONTROL.test(text));
  if (unique.length === 0) return {};
  const quote = (text: string) => `"${text.replace(/[\\"]/g, (letter) => `\\${letter}`)}"`;
  // UTF-8, which Node writes only as the bytes that it is.
  return { warning: unique.map((text) => Buffer.from(`299 - ${quote(text)}`).toString('latin1')) };
}

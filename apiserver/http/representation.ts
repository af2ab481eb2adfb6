// In which form an answer is given: JSON as stored; other forms are added by the rooms that know them.
import type { Registry } from '../registry/registry.ts';
import type { ApiRequest, ListResponse, ObjectResponse, ValueResponse } from '../registry/request.ts';
import type { Answer, Req } from './answer.ts';
import { bookmarkLine, eventLine, listAnswer, objectAnswer, valueAnswer, watchFrame } from './encode.ts';
import type { WatchEncoding } from './watch-stream.ts';

export interface Representation {
  object(response: ObjectResponse): Answer | Promise<Answer>;
  list(response: ListResponse): Answer | Promise<Answer>;
  value(response: ValueResponse): Answer | Promise<Answer>;
  watch(): WatchEncoding;
}

export function representationOf(_req: Req, request: ApiRequest, _registry: Registry): Representation {
  return json(request);
}

function json({ resource }: ApiRequest): Representation {
  return {
    object: objectAnswer,
    list: (response) => listAnswer(resource, response),
    value: valueAnswer,
    watch: () => ({
      contentType: 'application/json',
      event: watchFrame,
      bookmark: (revision, initialEventsEnd) => bookmarkLine(resource, revision, initialEventsEnd),
      error: (status) => eventLine('ERROR', status),
    }),
  };
}

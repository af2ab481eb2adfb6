// Which discovery document answers a request: the older one, or the aggregated one where the client asks for it.
import type { Answer } from './answer.ts';
import {
  AGGREGATED,
  aggregated,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  type Serving,
} from './discovery.ts';
import { CONTENT_TYPES, type MediaRange, notAcceptable, parseAccept } from './negotiate.ts';

export interface DiscoveryTarget {
  /** Undefined for /apis, '' for /api. */
  readonly group?: string;
  readonly version?: string;
}

/** The documents of one state of the server; made when asked for, kept as bytes. */
export class Discovery {
  readonly #serving: Serving;
  readonly #bytes = new Map<string, Buffer>();

  constructor(serving: Serving) {
    this.#serving = serving;
  }

  /** Undefined: there is no such group or version. */
  answer({ group, version }: DiscoveryTarget, accept: string | undefined): Answer | undefined {
    const isRoot = version === undefined && (group === undefined || group === '');
    const form = chooseForm(accept, isRoot);
    const key = `${form}:${group ?? '*'}/${version ?? ''}`;
    let bytes = this.#bytes.get(key);
    if (bytes === undefined) {
      const document = this.#document(group, version, form);
      if (document === undefined) return undefined;
      bytes = Buffer.from(`${JSON.stringify(document)}\n`);
      this.#bytes.set(key, bytes);
    }
    const contentType = form === 'aggregated' ? AGGREGATED : CONTENT_TYPES.json;
    return { code: 200, contentType, chunks: [bytes], length: bytes.length, ...(isRoot && { headers: VARY }) };
  }

  #document(group: string | undefined, version: string | undefined, form: Form): object | undefined {
    if (version !== undefined) return apiResourceList(this.#serving, group ?? '', version);
    if (form === 'aggregated') return aggregated(this.#serving, group === '' ? 'core' : 'groups');
    if (group === undefined) return apiGroupList(this.#serving);
    return group === '' ? apiVersions(this.#serving) : apiGroup(this.#serving, group);
  }
}

const VARY = { vary: 'Accept' };
type Form = 'aggregated' | 'plain';

/** Older documents are JSON here: no client asks for another form of them alone. */
function chooseForm(accept: string | undefined, isRoot: boolean): Form {
  if (accept === undefined || accept.trim() === '') return 'plain';
  for (const range of parseAccept(accept)) {
    if (!isJson(range)) continue;
    const { as, g: group, v: version } = range.params;
    if (as === undefined) return 'plain';
    if (isRoot && as === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io' && version === 'v2') {
      return 'aggregated';
    }
  }
  throw notAcceptable(Object.values(CONTENT_TYPES));
}

function isJson({ type, subtype }: MediaRange): boolean {
  return (type === '*' || type === 'application') && (subtype === '*' || subtype === 'json');
}

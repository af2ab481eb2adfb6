// Who asks, and whether they may: a client certificate that our authority signed, or a token that the API vouches
// for; then the API is asked as upstream's kubelet asks it. Nobody is let in without a name.
import { createHash } from 'node:crypto';
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import { tokenReviews } from '../../api/types/authentication/resources.ts';
import { subjectAccessReviews } from '../../api/types/authorization/resources.ts';
import { Problem } from './problem.ts';
import { attributesOf } from './route.ts';
import { TtlMap } from './ttl-map.ts';

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ResourceQuestion {
  readonly verb: string;
  readonly resource: 'nodes';
  readonly subresource: string;
  readonly name: string;
}

/** What the API decides. */
export interface Reviews {
  /** Undefined for a token that is nobody's. */
  userOf(token: string, signal: AbortSignal): Promise<User | undefined>;
  allows(user: User, question: ResourceQuestion, signal: AbortSignal): Promise<boolean>;
}

/** What a request carries. */
export interface Credentials {
  readonly certificate?: User;
  readonly token?: string;
}

const MASTERS = 'system:masters';
/** As upstream's defaults: what is allowed holds longer than what is not. */
const TOKEN_MS = 2 * 60_000;
const NO_TOKEN_MS = 10_000;
const ALLOWED_MS = 5 * 60_000;
const DENIED_MS = 30_000;
const REMEMBERED_MAX = 2_000;

export class Access {
  readonly #reviews: Reviews;
  readonly #nodeName: string;
  readonly #users: TtlMap<User | 'nobody'>;
  readonly #answers: TtlMap<boolean>;

  constructor(reviews: Reviews, nodeName: string, clock: Clock) {
    this.#reviews = reviews;
    this.#nodeName = nodeName;
    this.#users = new TtlMap(clock, REMEMBERED_MAX);
    this.#answers = new TtlMap(clock, REMEMBERED_MAX);
  }

  /** Returns who it is; throws 401 or 403. */
  async check(credentials: Credentials, method: string, path: string, signal: AbortSignal): Promise<User> {
    const user = await this.#user(credentials, signal);
    // The group that may do everything needs no asking, so that logs can be read while the API is away.
    if (user.groups.includes(MASTERS)) return user;
    const { verb, subresources } = attributesOf(method, path);
    for (const subresource of subresources) {
      const question: ResourceQuestion = { verb, resource: 'nodes', subresource, name: this.#nodeName };
      if (await this.#allowed(user, question, signal)) return user;
    }
    const which = `verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`;
    throw new Problem(403, `Forbidden (user=${user.name}, ${which})\n`);
  }

  async #user({ certificate, token }: Credentials, signal: AbortSignal): Promise<User> {
    if (certificate !== undefined) return certificate;
    if (token === undefined || token === '') throw new Problem(401, 'Unauthorized');
    const key = createHash('sha256').update(token).digest('base64');
    let user = this.#users.get(key);
    if (user === undefined) {
      user = (await this.#asked(() => this.#reviews.userOf(token, signal), 'token', signal)) ?? 'nobody';
      this.#users.set(key, user, user === 'nobody' ? NO_TOKEN_MS : TOKEN_MS);
    }
    if (user === 'nobody') throw new Problem(401, 'Unauthorized');
    return user;
  }

  async #allowed(user: User, question: ResourceQuestion, signal: AbortSignal): Promise<boolean> {
    const key = JSON.stringify([user, question]);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const who = `user=${user.name}, verb=${question.verb}, resource=nodes, subresource=${question.subresource}`;
    const allowed = await this.#asked(() => this.#reviews.allows(user, question, signal), who, signal);
    this.#answers.set(key, allowed, allowed ? ALLOWED_MS : DENIED_MS);
    return allowed;
  }

  async #asked<T>(ask: () => Promise<T>, what: string, signal: AbortSignal): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      signal.throwIfAborted();
      throw new Problem(500, `Authorization error (${what})`, {}, { cause });
    }
  }
}

export function reviewsOf(client: Client): Reviews {
  return {
    async userOf(token, signal) {
      const { status } = await client.create(tokenReviews, { metadata: {}, spec: { token } }, {}, signal);
      const { authenticated, user } = status;
      if (!authenticated || !user?.username) return undefined;
      const { username, uid, groups = [], extra } = user;
      return { name: username, groups, ...(uid && { uid }), ...(extra && { extra }) };
    },
    async allows(user, question, signal) {
      const { name, uid, groups, extra } = user;
      const spec = {
        user: name,
        groups: [...groups],
        ...(uid !== undefined && { uid }),
        ...(extra !== undefined && { extra: mutable(extra) }),
        resourceAttributes: { ...question, version: 'v1' },
      };
      return (await client.create(subjectAccessReviews, { metadata: {}, spec }, {}, signal)).status.allowed;
    },
  };
}

function mutable(extra: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}

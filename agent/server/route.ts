// The paths of port 10250. Pure: which of them a request means, and which subresource of nodes stands for it when
// the API is asked whether somebody may.

export interface ContainerTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly uid?: string;
  readonly container: string;
}
export type PodTarget = Omit<ContainerTarget, 'container'>;

export type StreamRoute =
  | { readonly to: 'exec'; readonly target: ContainerTarget }
  | { readonly to: 'attach'; readonly target: ContainerTarget }
  | { readonly to: 'portForward'; readonly target: PodTarget };

export type Route =
  | StreamRoute
  | { readonly to: 'containerLogs'; readonly target: ContainerTarget }
  | { readonly to: 'run'; readonly target: ContainerTarget }
  | { readonly to: 'checkpoint'; readonly target: ContainerTarget }
  /** Below /var/log. */
  | { readonly to: 'nodeLogs'; readonly path: string }
  | { readonly to: 'page'; readonly page: Page };

export const PAGES = [
  '/healthz',
  '/pods',
  '/runningpods',
  '/imagepulls',
  '/stats/summary',
  '/metrics',
  '/metrics/resource',
  '/metrics/cadvisor',
  '/metrics/probes',
  '/configz',
] as const;
export type Page = (typeof PAGES)[number];

export type Found = { readonly route: Route; readonly methods: readonly string[] } | undefined;

const READ = ['GET', 'HEAD'];
const STREAM = ['GET', 'POST'];
const METHODS = { containerLogs: READ, run: ['POST'], exec: STREAM, attach: STREAM, checkpoint: ['POST'] } as const;

/** Undefined for a path that is not there. */
export function routeOf(path: string): Found {
  const page = PAGES.find((each) => path === each || path === `${each}/`);
  if (page !== undefined) return { route: { to: 'page', page }, methods: READ };
  const parts = decoded(path);
  if (parts?.[0] === 'logs') return { route: { to: 'nodeLogs', path: parts.slice(1).join('/') }, methods: READ };
  const [first, namespace = '', pod = '', ...rest] = parts ?? [];
  if (parts === undefined || parts.includes('')) return undefined;
  switch (first) {
    case 'containerLogs':
    case 'run':
    case 'exec':
    case 'attach':
    case 'checkpoint': {
      if (rest.length < 1 || rest.length > (first === 'containerLogs' || first === 'checkpoint' ? 1 : 2))
        return undefined;
      const uid = rest.length === 2 ? { uid: rest[0]! } : {};
      const target = { namespace, pod, ...uid, container: rest.at(-1)! };
      const methods = METHODS[first];
      return { route: { to: first, target }, methods };
    }
    case 'portForward': {
      if (pod === '' || rest.length > 1) return undefined;
      return { route: { to: first, target: { namespace, pod, ...(rest[0] && { uid: rest[0] }) } }, methods: STREAM };
    }
    default:
      return undefined;
  }
}

function decoded(path: string): string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined; // not an encoding: no such path
  }
}

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

export interface NodeAttributes {
  readonly verb: string;
  /** One of them is enough: the narrow one first, then `proxy`, which stands for everything. */
  readonly subresources: readonly string[];
}

/** Names as upstream's kubelet authorization documents them. */
export function attributesOf(method: string, path: string): NodeAttributes {
  const verb = VERBS[method] ?? '';
  const under = (prefix: string) => path === prefix || path.startsWith(`${prefix}/`);
  if (under('/stats')) return { verb, subresources: ['stats'] };
  if (under('/metrics')) return { verb, subresources: ['metrics'] };
  if (under('/logs')) return { verb, subresources: ['log'] };
  if (under('/checkpoint')) return { verb, subresources: ['checkpoint'] };
  if (under('/healthz')) return { verb, subresources: ['healthz', 'proxy'] };
  if (under('/configz')) return { verb, subresources: ['configz', 'proxy'] };
  if (under('/pods') || under('/runningpods')) return { verb, subresources: ['pods', 'proxy'] };
  return { verb, subresources: ['proxy'] };
}

// Whether a text can name an image at all, and its parts: [registry[:port]/]path[:tag][@digest].
const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const HOST =
  '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*';
const REGISTRY = `(?:${HOST}|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?`;
const TAG = '[\\w][\\w.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const HUB = 'docker.io';
const REFERENCE = new RegExp(`^(?:${REGISTRY}/)?${PART}(?:/${PART})*(?::${TAG})?(?:@${DIGEST})?$`);

/** What is wrong with it, in the words of the library everybody uses. */
export function imageNameProblem(image: string): string | undefined {
  if (REFERENCE.test(image)) return undefined;
  const lowered = REFERENCE.test(image.toLowerCase());
  return lowered ? 'invalid reference format: repository name must be lowercase' : 'invalid reference format';
}

export interface ImageParts {
  /** Registry and path, the hub's names written out: docker.io/library/nginx. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Of a text that names an image. */
export function imageParts(image: string): ImageParts {
  const [, name = '', tag, digest] = /^([^@]*?)(?::([^:/@]+))?(?:@(.+))?$/.exec(image) ?? [];
  const [first = '', ...rest] = name.split('/');
  const hasRegistry = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  const path = hasRegistry ? rest.join('/') : name;
  const registry = hasRegistry && first !== 'index.docker.io' ? first : HUB;
  const repository = registry === HUB && !path.includes('/') ? `${HUB}/library/${path}` : `${registry}/${path}`;
  return { repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** As the runtime lists it: with registry, and with a tag where there is no digest. */
export function fullName(image: string): string {
  const { repository, tag, digest } = imageParts(image);
  return digest === undefined ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`;
}

// Whether a text can name an image at all: [registry[:port]/]path[:tag][@digest].
const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const HOST =
  '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*';
const REGISTRY = `(?:${HOST}|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?`;
const TAG = '[\\w][\\w.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const REFERENCE = new RegExp(`^(?:${REGISTRY}/)?${PART}(?:/${PART})*(?::${TAG})?(?:@${DIGEST})?$`);

/** What is wrong with it, in the words of the library everybody uses. */
export function imageNameProblem(image: string): string | undefined {
  if (REFERENCE.test(image)) return undefined;
  const lowered = REFERENCE.test(image.toLowerCase());
  return lowered ? 'invalid reference format: repository name must be lowercase' : 'invalid reference format';
}

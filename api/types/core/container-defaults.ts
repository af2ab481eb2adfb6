// What a container gets that says nothing about it; the same for ephemeral ones.

interface Fillable {
  image?: string;
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  terminationMessagePath?: string;
  terminationMessagePolicy?: 'FallbackToLogsOnError' | 'File';
}

export function defaultContainer(container: Fillable): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image);
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
}

const STEP = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REFERENCE = new RegExp(
  `^(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\\d+)?/)?${STEP}(?:/${STEP})*(?::(\\w[\\w.-]{0,127}))?(@[A-Za-z][\\w.+-]*:[0-9a-fA-F]{32,})?$`,
);
const REFERENCE_MAX = 1000;

/** An image that may change under its name is pulled every time: `latest`, or neither tag nor digest. */
export function pullPolicyOf(image: string | undefined): 'Always' | 'IfNotPresent' {
  const parts = image !== undefined && image.length <= REFERENCE_MAX ? REFERENCE.exec(image) : null;
  if (parts === null) return 'IfNotPresent';
  const [, tag, digest] = parts;
  return tag === 'latest' || (tag === undefined && digest === undefined) ? 'Always' : 'IfNotPresent';
}

// How far a pull has come, from the layers its manifest names and what of them is there. Pure.

export interface Layer {
  readonly digest: string;
  readonly bytes: number;
}

export interface Blob {
  readonly digest: string;
  readonly bytes: number;
  readonly createdSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Progress {
  readonly bytes: number;
  readonly totalBytes: number;
}

/** Undefined for an index of manifests, or what is none at all. */
export function layersOf(text: string): Layer[] | undefined {
  let parsed: { layers?: { digest?: string; size?: number }[] };
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed.layers)) return undefined;
  const layers = parsed.layers.map(({ digest = '', size = 0 }) => ({ digest, bytes: size }));
  // The same layer may be named twice; it comes once.
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

const SOURCE = 'containerd.io/distribution.source.';
const CONFIG = 'containerd.io/gc.ref.content.config';

/**
 * The store does not say which manifest a pull is about. It came just now or lacks something, and its configuration
 * is marked with where it came from (the host without its port, a list of paths) as soon as that is known.
 */
export function candidates(blobs: readonly Blob[], repository: string, sinceSeconds: number): Blob[] {
  const there = new Map(blobs.map((blob) => [blob.digest, blob]));
  const slash = repository.indexOf('/');
  const label = SOURCE + repository.slice(0, slash).replace(/:\d+$/, '');
  const rank = ({ labels }: Blob) => {
    const from = there.get(labels[CONFIG] ?? '')?.labels ?? {};
    if (from[label]?.split(',').includes(repository.slice(slash + 1))) return 2;
    return Object.keys(from).some((name) => name.startsWith(SOURCE)) ? 0 : 1;
  };
  const isOpen = ({ createdSeconds, labels }: Blob) =>
    createdSeconds >= sinceSeconds ||
    Object.entries(labels).some(
      ([name, digest]) => name.startsWith('containerd.io/gc.ref.content.l.') && !there.has(digest),
    );
  return blobs
    .filter((blob) => blob.labels[CONFIG] !== undefined && isOpen(blob) && rank(blob) > 0)
    .sort((a, b) => rank(b) - rank(a) || b.createdSeconds - a.createdSeconds);
}

/** `coming`: references end with the digest of what comes in. */
export function progressOf(
  layers: readonly Layer[],
  there: ReadonlySet<string>,
  coming: readonly { readonly ref: string; readonly bytes: number }[],
): Progress {
  let bytes = 0;
  let totalBytes = 0;
  for (const { digest, bytes: whole } of layers) {
    totalBytes += whole;
    const under = coming.find(({ ref }) => ref.endsWith(digest))?.bytes ?? 0;
    bytes += there.has(digest) ? whole : Math.min(under, whole);
  }
  return { bytes, totalBytes };
}

export interface PullView {
  readonly image: string;
  readonly seconds: number;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly bytesPerSecond?: number;
}

/** `43% (12.3MiB of 28.9MiB, 5.1MiB/s)`; what is all there is being unpacked. */
export function progressText({ bytes, totalBytes, bytesPerSecond = 0 }: PullView): string {
  if (bytes === undefined || totalBytes === undefined || totalBytes === 0) return 'waiting for the registry';
  if (bytes >= totalBytes) return `100% (${size(totalBytes)}), unpacking`;
  const percent = Math.floor((100 * bytes) / totalBytes);
  return `${percent}% (${size(bytes)} of ${size(totalBytes)}, ${size(bytesPerSecond)}/s)`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

function size(bytes: number): string {
  const at = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${at === 0 ? Math.round(bytes) : (bytes / 1_024 ** at).toFixed(1)}${UNITS[at]}`;
}

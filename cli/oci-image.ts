// Container images assembled here instead of built elsewhere: the pause image on every node, and the images of tests.
// An image is plain bytes by digest (OCI image spec 1.0): gzipped layers, a config and a manifest. The same input
// gives the same digest. oci-import.ts hands images to a containerd.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { arch } from 'node:process';
import { gzipSync } from 'node:zlib';
import { type TarEntry, tar } from './oci-tar.ts';

export interface ImageFile {
  /** Absolute, in the image. Folders on the way to it come by themselves. */
  path: string;
  /** 0755 for what comes from the host, 0644 otherwise, unless said. */
  mode?: number;
  data?: string | Uint8Array;
  fromHost?: string;
  symlink?: string;
  /** An absolute path of another file of this image. */
  hardlink?: string;
  directory?: true;
}

export interface ImageSpec {
  /** With a registry and a tag: `skiff.local/pause:1`. */
  ref: string;
  /** Its layers come first, and are shared where both images are. */
  base?: Image;
  files: readonly ImageFile[];
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  env?: Readonly<Record<string, string>>;
  user?: string;
  workdir?: string;
  labels?: Readonly<Record<string, string>>;
  exposedPorts?: readonly string[];
}

export interface Blob {
  mediaType: string;
  digest: string;
  data: Buffer<ArrayBuffer>;
}

export interface Image {
  ref: string;
  manifest: Blob;
  config: Blob;
  layers: readonly Blob[];
}

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

export async function assembleImage(spec: ImageSpec): Promise<Image> {
  const archive = tar(await layerEntries(spec.files));
  // Images are used where they are made: a fast compression saves more time than a good one saves space.
  const own = spec.files.length === 0 ? [] : [blob(LAYER_TYPE, gzipSync(archive, { level: 1 }))];
  const layers = [...(spec.base?.layers ?? []), ...own];
  const diffIds = [...(spec.base === undefined ? [] : diffIdsOf(spec.base)), ...own.map(() => sha256(archive))];
  const config = blob(CONFIG_TYPE, json(imageConfig(spec, diffIds)));
  const manifest = blob(
    MANIFEST_TYPE,
    json({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config: descriptor(config), layers: layers.map(descriptor) }),
  );
  return { ref: spec.ref, manifest, config, layers };
}

function diffIdsOf({ config }: Image): string[] {
  return (JSON.parse(config.data.toString('utf8')) as ReturnType<typeof imageConfig>).rootfs.diff_ids;
}

/** An OCI image layout in one tar file, named so that containerd imports it under the image's reference. */
export async function writeImageArchive(images: readonly Image[], file: string): Promise<void> {
  const blobs = new Map(
    images.flatMap(({ manifest, config, layers }) => [manifest, config, ...layers]).map((each) => [each.digest, each]),
  );
  const index = {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: images.map(({ ref, manifest }) => ({
      ...descriptor(manifest),
      platform: { os: 'linux', architecture: goArch() },
      annotations: {
        'io.containerd.image.name': ref,
        'org.opencontainers.image.ref.name': ref.slice(ref.lastIndexOf(':') + 1),
      },
    })),
  };
  await writeFile(
    file,
    tar([
      textEntry('oci-layout', { imageLayoutVersion: '1.0.0' }),
      textEntry('index.json', index),
      ...['blobs', 'blobs/sha256'].map((path): TarEntry => ({ path, mode: 0o755, content: 'directory' })),
      ...[...blobs.values()].map(
        ({ digest, data }): TarEntry => ({ path: `blobs/${digest.replace(':', '/')}`, mode: 0o644, content: { data } }),
      ),
    ]),
  );
}

function textEntry(path: string, value: unknown): TarEntry {
  return { path, mode: 0o644, content: { data: json(value) } };
}

function imageConfig(spec: ImageSpec, diffIds: readonly string[]) {
  return {
    architecture: goArch(),
    os: 'linux',
    config: {
      User: spec.user,
      Env: Object.entries({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...spec.env }).map(
        ([name, value]) => `${name}=${value}`,
      ),
      Entrypoint: spec.entrypoint,
      Cmd: spec.cmd,
      WorkingDir: spec.workdir,
      Labels: spec.labels,
      ExposedPorts: spec.exposedPorts && Object.fromEntries(spec.exposedPorts.map((port) => [port, {}])),
    },
    rootfs: { type: 'layers', diff_ids: [...diffIds] },
    history: diffIds.map(() => ({ created_by: 'skiff' })),
  };
}

/** In order of path, so that folders come before what is in them and the order of the input does not matter. */
async function layerEntries(files: readonly ImageFile[]): Promise<TarEntry[]> {
  const entries = new Map<string, TarEntry>();
  for (const file of files) {
    const path = relative(file.path);
    for (const dir of foldersAbove(path)) {
      if (!entries.has(dir)) entries.set(dir, { path: dir, mode: 0o755, content: 'directory' });
    }
    entries.set(path, { path, mode: modeOf(file), content: await contentOf(file) });
  }
  return [...entries.values()].sort((a, b) => {
    // A hard link's target has to be unpacked before the link.
    const later = Number(isHardlink(a)) - Number(isHardlink(b));
    return later !== 0 ? later : a.path < b.path ? -1 : 1;
  });
}

function isHardlink({ content }: TarEntry): boolean {
  return content !== 'directory' && 'hardlink' in content;
}

function modeOf(file: ImageFile): number {
  return file.mode ?? (file.fromHost !== undefined || file.directory || file.hardlink !== undefined ? 0o755 : 0o644);
}

async function contentOf(file: ImageFile): Promise<TarEntry['content']> {
  if (file.directory) return 'directory';
  if (file.symlink !== undefined) return { symlink: file.symlink };
  if (file.hardlink !== undefined) return { hardlink: relative(file.hardlink) };
  if (file.fromHost !== undefined) return { data: await readFile(file.fromHost) };
  return { data: Buffer.from(file.data ?? '') };
}

function relative(path: string): string {
  const parts = path.split('/').slice(1);
  if (!path.startsWith('/') || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new Error(`not an absolute, plain path in an image: ${path}`);
  }
  return parts.join('/');
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, depth) => parts.slice(0, depth + 1).join('/'));
}

function json(value: unknown): Buffer<ArrayBuffer> {
  return Buffer.from(JSON.stringify(value));
}

function blob(mediaType: string, data: Buffer<ArrayBuffer>): Blob {
  return { mediaType, digest: sha256(data), data };
}

function descriptor({ mediaType, digest, data }: Blob) {
  return { mediaType, digest, size: data.length };
}

function sha256(data: Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** The architecture as images name it. */
function goArch(): string {
  return arch === 'x64' ? 'amd64' : arch;
}

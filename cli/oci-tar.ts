// A tar archive as bytes: ustar, with GNU's long-name records for names over 100 bytes, which every reader of images
// understands. Owner root and time zero throughout, so that the same entries give the same bytes.

export interface TarEntry {
  /** Without a leading slash; folders without a trailing one. */
  path: string;
  mode: number;
  content: { data: Uint8Array } | { symlink: string } | { hardlink: string } | 'directory';
}

const BLOCK = 512;
const NAME_BYTES = 100;
const TYPE = { file: '0', hardlink: '1', symlink: '2', directory: '5', longLink: 'K', longName: 'L' } as const;

export function tar(entries: readonly TarEntry[]): Buffer<ArrayBuffer> {
  return Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(2 * BLOCK)]);
}

function entryBlocks({ path, mode, content }: TarEntry): Uint8Array[] {
  if (content === 'directory') return record(TYPE.directory, `${path}/`, mode, '');
  if ('symlink' in content) return record(TYPE.symlink, path, 0o777, content.symlink);
  if ('hardlink' in content) return record(TYPE.hardlink, path, mode, content.hardlink);
  return record(TYPE.file, path, mode, '', content.data);
}

function record(
  type: string,
  name: string,
  mode: number,
  link: string,
  data: Uint8Array = Buffer.alloc(0),
): Uint8Array[] {
  return [
    ...longRecord(TYPE.longLink, link),
    ...longRecord(TYPE.longName, name),
    header(type, name, mode, link, data.length),
    data,
    padding(data.length),
  ];
}

/** A record of its own that carries the name of the next one. */
function longRecord(type: string, name: string): Uint8Array[] {
  if (Buffer.byteLength(name) <= NAME_BYTES) return [];
  const data = Buffer.from(`${name}\0`);
  return [header(type, '././@LongLink', 0o644, '', data.length), data, padding(data.length)];
}

// POSIX.1-1988 ustar: field offsets and widths as the standard fixes them.
function header(type: string, name: string, mode: number, link: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, NAME_BYTES);
  octal(block, 100, 8, mode & 0o7777);
  octal(block, 108, 8, 0); // uid
  octal(block, 116, 8, 0); // gid
  octal(block, 124, 12, size);
  octal(block, 136, 12, 0); // mtime
  block.write(type, 156);
  block.write(link, 157, NAME_BYTES);
  block.write('ustar\0' + '00', 257, 'latin1');
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

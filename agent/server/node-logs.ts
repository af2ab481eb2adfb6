// /logs/: what lies under the node's /var/log, as pages: folders as lists of links, files as they are. Links are
// followed as long as they stay below it, so that whoever may write there does not show the rest of the node.
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, realpath } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { send } from './answer.ts';
import { Problem } from './problem.ts';

const notFound = () => new Problem(404, '404 page not found\n');
const ENTRIES_MAX = 10_000;

export async function nodeLogs(
  req: IncomingMessage,
  res: ServerResponse,
  root: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await realpath(join(root, path)).catch(() => undefined);
  const top = await realpath(root).catch(() => undefined);
  if (found === undefined || top === undefined || !`${found}${sep}`.startsWith(`${top}${sep}`)) throw notFound();
  // Neither a pipe, which would be waited for, nor a link put there meanwhile.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(found, flags).catch(() => undefined);
  if (file === undefined) throw notFound();
  await using _closing = { [Symbol.asyncDispose]: () => file.close().catch(() => {}) }; // a stream closed it already
  const stat = await file.stat();
  if (stat.isDirectory()) return send(req, res, { type: 'text/html; charset=utf-8', body: await listing(found) });
  if (!stat.isFile()) throw notFound();
  await sendFile(req, res, file, stat.size, signal);
}

async function sendFile(
  req: IncomingMessage,
  res: ServerResponse,
  file: FileHandle,
  size: number,
  signal: AbortSignal,
) {
  // As long as it is now: it may grow while it is read.
  res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': size });
  if (req.method === 'HEAD' || size === 0) res.end();
  else await pipeline(file.createReadStream({ start: 0, end: size - 1 }), res, { signal });
}

async function listing(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.map((each) => `${each.name}${each.isDirectory() ? '/' : ''}`).sort();
  const shown = names.slice(0, ENTRIES_MAX);
  const links = shown.map((name) => `<a href="${encodeURI(name).replaceAll('#', '%23')}">${escaped(name)}</a>\n`);
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;' };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ENTITIES[char]!);
}

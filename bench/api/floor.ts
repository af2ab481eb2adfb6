// The least a server must do: the same HTTP/2 listener over TLS, which reads every body, keeps it in the bare store and
// answers prepared bytes; a watch is told each write in one prepared frame. Started by process.ts.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createSecureServer, type Http2ServerResponse } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '../../api/log.ts';
import { systemClock } from '../../api/system.ts';
import { EmbeddedStore } from '../../apiserver/store/embedded.ts';

const LIST_ITEMS = 5_000;
const PIECE = 64 * 1024;

const [portText = '', cert = '', key = '', ca = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'skiff-bench-floor-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const onFatal = (err: Error) => {
  throw err;
};
const store = await EmbeddedStore.open({ path: join(folder, 'store.db'), clock: systemClock, log: silent, onFatal });
let answer = Buffer.from('{}');
const watchers = new Set<Http2ServerResponse>();

function list(res: Http2ServerResponse): void {
  const bytes = Buffer.alloc(LIST_ITEMS * answer.length, answer);
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
  for (let at = 0; at < bytes.length; at += PIECE) res.write(bytes.subarray(at, at + PIECE));
  res.end();
}

const server = createSecureServer({
  ...{ cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) },
  ...{ allowHTTP1: true, requestCert: true, rejectUnauthorized: false },
});
server.on('sessionError', () => {});
server.on('request', (req, res) => {
  const { method, url } = req;
  if (url.includes('watch=')) {
    res.writeHead(200, { 'content-type': 'application/json' });
    watchers.add(res);
    res.once('close', () => watchers.delete(res));
    return;
  }
  if (method === 'GET') {
    if (/\/pods(\?|$)/.test(url)) return list(res);
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    res.end(answer);
    return;
  }
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', async () => {
    const value = Buffer.concat(chunks);
    const put = `/registry${url.replace(/\?.*/, '')}`;
    const { revision } = await store.txn({ compares: [], ops: [{ put, value }] });
    if (value.length > 100) answer = value;
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    res.end(answer);
    const head = `{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"${revision}",`;
    const frame = Buffer.from(`${head}${value.toString()}\n`);
    for (const watcher of watchers) watcher.write(frame);
  });
});
server.listen(Number(portText), '127.0.0.1', () => console.error('listening'));
process.once('SIGTERM', () => process.exit(0));

// Run by crowd.test.ts as a process of its own, to be stopped and killed: a client that does one thing very often and
// badly. Says when it is at it, as one line, and goes on until it is killed.
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';

export type Doing = 'watch' | 'list' | 'drip' | 'reset' | 'connect';

const [url, files, doing, connections, streams] = process.argv.slice(2) as [string, string, Doing, string, string];
const { ca, cert, key } = JSON.parse(files) as Record<'ca' | 'cert' | 'key', string>;
const tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
const MAPS = '/api/v1/namespaces/default/configmaps';

function session(): ClientHttp2Session {
  const own = connect(url, tls);
  own.on('error', () => {});
  return own;
}

function open(on: ClientHttp2Session, method: string, path: string) {
  const stream = on.request({ ':method': method, ':path': path }, { endStream: method === 'GET' });
  stream.on('error', () => {});
  return stream;
}

const answered = (stream: ReturnType<typeof open>) =>
  new Promise<void>((resolve) => {
    stream.once('response', () => resolve());
    stream.once('close', resolve);
  });

async function begin(on: ClientHttp2Session): Promise<void> {
  switch (doing) {
    case 'watch':
      return answered(open(on, 'GET', `${MAPS}?watch=1&fieldSelector=metadata.name%3Dnobody`));
    case 'list':
      return answered(open(on, 'GET', MAPS)); // and never read
    case 'drip': {
      const stream = open(on, 'POST', MAPS);
      const drip = async () => {
        while (!stream.closed) {
          stream.write(' ');
          await pause(1_000);
        }
      };
      void drip();
      return;
    }
    case 'reset':
      open(on, 'GET', MAPS).close(constants.NGHTTP2_CANCEL);
      return;
    case 'connect':
      return;
    default:
      doing satisfies never;
  }
}

async function crowd(): Promise<void> {
  for (let c = 0; c < Number(connections); c++) {
    const on = session();
    await new Promise<void>((resolve) => on.once('connect', () => resolve()).once('close', resolve));
    if (!on.destroyed) await Promise.all(Array.from({ length: Number(streams) }, () => begin(on)));
  }
}

if (doing === 'reset') {
  process.stdout.write('ready\n');
  for (;;) await crowd();
}
await crowd();
process.stdout.write('ready\n');
await pause(600_000);

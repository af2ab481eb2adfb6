// Images for tests, assembled here from the distribution's static busybox. Each carries a nonce of this run, as a file
// and in the environment, so that a test that reads it back has talked to what it started.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isStaticProgram } from '../../../cli/oci-elf.ts';
import { assembleImage, type Image, type ImageFile } from '../../../cli/oci-image.ts';
import { exec } from './process.ts';

export const NONCE = randomBytes(8).toString('hex');

export interface TestImages {
  /** A shell with busybox's programs; prints the nonce and sleeps unless told otherwise. */
  busybox: Image;
  /** Answers every GET on port 8080 with `<host name> <nonce>`. */
  web: Image;
  /** Ignores SIGTERM. */
  stubborn: Image;
  /** Prints lines of LINE_BYTES bytes, LINES of them, then the nonce. */
  chatty: Image;
}

/** `registry` is what the references begin with, e.g. `10.250.3.11:5000`. */
export async function testImages(registry = 'skiff.local'): Promise<TestImages> {
  const base = await assembleImage({ ref: 'base', files: await busyboxFiles() });
  const make = (name: string, cmd: string[], more: ImageFile[] = [], env: Record<string, string> = {}) =>
    assembleImage({
      ref: `${registry}/test/${name}:1`,
      base,
      files: more,
      cmd,
      env: { NONCE, ...env },
      labels: { nonce: NONCE },
      exposedPorts: name === 'web' ? ['8080/tcp'] : undefined,
    });
  const script = (text: string) => ['/bin/sh', '-c', text];
  // PID 1 has no default action for signals: without the trap every shell would be stubborn.
  const obeys = 'trap "exit 0" TERM';
  const [busybox, web, stubborn, chatty] = await Promise.all([
    make('busybox', script(`${obeys}; echo "nonce $NONCE"; while :; do sleep 3600 & wait $!; done`)),
    make('web', script(`${obeys}; httpd -f -p 8080 -h /www & wait $!`), [
      // httpd asks this program when there is no index.html.
      { path: '/www/cgi-bin/index.cgi', mode: 0o755, data: answerScript },
      { path: '/www/cgi-bin/slow', mode: 0o755, data: slowScript },
      { path: '/www/healthz', data: 'ok\n' },
    ]),
    make('stubborn', script('trap "echo ignored" TERM; echo "nonce $NONCE"; while :; do sleep 3600 & wait $!; done')),
    make(
      'chatty',
      script(
        'i=0; while [ $i -lt $LINES ]; do yes x | tr -d "\\n" | head -c $LINE_BYTES; echo; i=$((i+1)); done; echo $NONCE',
      ),
      [],
      { LINES: '20', LINE_BYTES: '40000' },
    ),
  ]);
  return { busybox, web, stubborn, chatty };
}

const answerScript = '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n%s %s\\n" "$(hostname)" "$NONCE"\n';
const slowScript =
  '#!/bin/sh\nsleep "$QUERY_STRING"\nprintf "Content-Type: text/plain\\r\\n\\r\\n%s\\n" "$(hostname)"\n';

async function busyboxFiles(): Promise<ImageFile[]> {
  const { stdout } = await exec('busybox', ['--list']);
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  const { stdout: path } = await exec('sh', ['-c', 'command -v busybox']);
  const data = await readFile(path.trim());
  if (!isStaticProgram(data)) throw new Error(`${path.trim()} is not static: the package is called busybox-static`);
  return [
    { path: '/bin/busybox', data, mode: 0o755 },
    ...applets.map((name): ImageFile => ({ path: `/bin/${name}`, symlink: 'busybox' })),
    { path: '/etc/passwd', data: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' },
    { path: '/etc/group', data: 'root:x:0:\nnogroup:x:65534:\n' },
    { path: '/nonce', data: NONCE },
    { path: '/tmp', directory: true, mode: 0o1777 },
    { path: '/root', directory: true, mode: 0o700 },
  ];
}

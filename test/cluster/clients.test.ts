// The official clients of three other languages against a live server over HTTPS: no containers. Packages come from
// their registries once (minutes) and stay in a cache folder; where a language or its registry is not there, that is said.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../apiserver/test-server.ts';

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skiff-test-clients');
const PYTHON = 'kubernetes==37.0.2';
const JAVASCRIPT = '@kubernetes/client-node@2.0.1';
const GO = 'v0.34.1';
const PROGRAMS = join(import.meta.dirname, 'clients');
const INSTALL_MS = 600_000;
const RUN_MS = 60_000;

let server: TestServer;
let kubeconfig: string;

before(async () => {
  server = await startTestServer();
  await mkdir(CACHE, { recursive: true });
  const data = async (file: string) => (await readFile(file)).toString('base64');
  const [ca, cert, key] = await Promise.all([server.files.ca, server.files.cert, server.files.key].map(data));
  kubeconfig = join(server.folder, 'kubeconfig');
  const user = { 'client-certificate-data': cert, 'client-key-data': key };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server: server.url, 'certificate-authority-data': ca } }],
    users: [{ name: 'test', user }],
  };
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
});
after(() => server[Symbol.asyncDispose]());

function run(command: string, args: readonly string[], timeout: number, cwd = CACHE): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, timeout, maxBuffer: 1 << 24 }, (err, out, errors) => {
      if (err === null) resolve(out);
      else
        reject(new Error(`${command} ${args[0]}: ${err.killed ? `longer than ${timeout} ms; ` : ''}${errors || out}`));
    });
  });
}

/** Undefined when it is there; else why not. A folder that was begun and not finished is begun anew. */
async function installed(folder: string, mark: string, install: () => Promise<void>): Promise<string | undefined> {
  const stamp = join(folder, '.installed');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === mark) return undefined;
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await install();
    await writeFile(stamp, mark);
    return undefined;
  } catch (err) {
    return `not installed: ${(err as Error).message.split('\n', 1)[0]}`;
  }
}

test('the Python client creates, lists, watches, patches and deletes', async (t) => {
  const folder = join(CACHE, 'python');
  const missing = await installed(folder, PYTHON, async () => {
    await run('python3', ['-m', 'venv', folder], INSTALL_MS);
    await run(join(folder, 'bin/pip'), ['install', '-q', '--disable-pip-version-check', PYTHON], INSTALL_MS);
  });
  if (missing !== undefined) {
    t.skip(missing);
    return;
  }
  const out = await run(join(folder, 'bin/python'), [join(PROGRAMS, 'client.py'), kubeconfig], RUN_MS);
  assert.equal(out.trim(), 'ok');
});

test('the JavaScript client creates, lists, informs, patches and deletes', async (t) => {
  const folder = join(CACHE, 'javascript');
  const missing = await installed(folder, JAVASCRIPT, async () => {
    await writeFile(join(folder, 'package.json'), '{"private":true}');
    await run('npm', ['install', '--no-audit', '--no-fund', '--silent', JAVASCRIPT], INSTALL_MS, folder);
  });
  if (missing !== undefined) {
    t.skip(missing);
    return;
  }
  const out = await run(process.execPath, [join(PROGRAMS, 'client.mjs'), kubeconfig, folder], RUN_MS);
  assert.equal(out.trim(), 'ok');
});

test('client-go informs a controller in protobuf', async (t) => {
  const folder = join(CACHE, 'go');
  const source = await readFile(join(PROGRAMS, 'go/main.go'), 'utf8');
  const missing = await installed(folder, `${GO}\n${source}`, async () => {
    await cp(join(PROGRAMS, 'go/main.go'), join(folder, 'main.go'));
    await run('go', ['mod', 'init', 'clients'], INSTALL_MS, folder);
    for (const module of ['client-go', 'api', 'apimachinery']) {
      await run('go', ['get', `k8s.io/${module}@${GO}`], INSTALL_MS, folder);
    }
    await run('go', ['mod', 'tidy'], INSTALL_MS, folder);
    await run('go', ['build', '-o', 'client', '.'], INSTALL_MS, folder);
  });
  if (missing !== undefined) {
    t.skip(missing);
    return;
  }
  assert.equal((await run(join(folder, 'client'), [kubeconfig], RUN_MS)).trim(), 'ok');
});

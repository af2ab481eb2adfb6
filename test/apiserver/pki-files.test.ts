import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silent } from '../../api/log.ts';
import { systemClock } from '../../api/system.ts';
import type { ServerPki } from '../../apiserver/config.ts';
import { PkiFiles } from '../../apiserver/pki-files.ts';

const NAMES = [
  ...['certFile', 'keyFile', 'rootCaFile', 'clientCaFile', 'serviceAccountKeyFile'],
  ...['kubeletClientCertFile', 'kubeletClientKeyFile', 'kubeletCaFile'],
];

test('files that changed are used from then on, once they fit together', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'skiff-pki-'));
  try {
    const paths = Object.fromEntries(NAMES.map((name) => [name, join(folder, name)])) as unknown as ServerPki;
    for (const name of NAMES) await writeFile(join(folder, name), `${name} 1`);
    const pki = await PkiFiles.read(paths);
    const stop = new AbortController();
    const changes: (() => Promise<void>)[] = [
      async () => {},
      () => writeFile(paths.certFile, 'cert 2'),
      () => writeFile(paths.keyFile, 'key 2'),
      () => rm(paths.clientCaFile),
    ];
    const sleep = async () => {
      const change = changes.shift();
      if (change === undefined) stop.abort();
      await change?.();
    };
    const told: string[] = [];
    const renewed = ({ cert, key }: { cert: unknown; key: unknown }) => {
      told.push(`${cert} ${key}`);
      if (String(key) !== 'key 2') throw new Error('key values mismatch');
    };
    await pki.follow(renewed, { ...systemClock, sleep }, silent, stop.signal);
    assert.deepEqual(told, ['cert 2 keyFile 1', 'cert 2 key 2']);
    assert.equal(String(pki.serving.cert), 'cert 2');
    assert.equal(String(pki.serving.clientCa), 'clientCaFile 1', 'what cannot be read stays as it was');
    assert.equal(await readFile(paths.certFile, 'utf8'), 'cert 2');
  } finally {
    await rm(folder, { recursive: true });
  }
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DnsRecords } from '../../../agent/network/dns-records.ts';
import { NAMES_FILE, NamesCheckpoint, rememberedServices } from '../../../agent/network/names-checkpoint.ts';
import { serviceEnv } from '../../../agent/pods/service-env.ts';
import { silent } from '../../../api/log.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { aService } from './views.ts';

test('what containers are told of services is remembered, and nothing where nothing was written', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'skiff-names-'));
  const path = join(dir, NAMES_FILE);
  assert.equal(await rememberedServices(path), undefined);
  const records = new DnsRecords();
  records.set('default/web', { service: aService(), slices: [] });
  const checkpoint = new NamesCheckpoint(path, records, new VirtualClock(), silent);
  checkpoint.changed();
  await checkpoint[Symbol.asyncDispose]();
  const env = serviceEnv((await rememberedServices(path))!, 'default', true);
  assert.equal(env['WEB_SERVICE_HOST'], aService().clusterIps[0]);
  assert.equal(env['WEB_SERVICE_PORT'], String(aService().ports[0]!.port));
  await writeFile(path, '{"version":1,"na');
  assert.equal(await rememberedServices(path), undefined);
  await rm(dir, { recursive: true });
});

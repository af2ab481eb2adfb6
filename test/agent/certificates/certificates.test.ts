import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { held, isSignedByOneOf, readHeld, writeHeld } from '../../../agent/certificates/held.ts';
import { planRenewal, renewalMs, retryMs, shareOf } from '../../../agent/certificates/plan.ts';
import { Rotation } from '../../../agent/certificates/rotation.ts';
import type { Client } from '../../../api/client/client.ts';
import { silent } from '../../../api/log.ts';
import { parseSigningRequest } from '../../../api/pki/csr.ts';
import { DAY_MS, issue, issueRequested, newAuthority, newKey } from '../../../api/pki/x509.ts';
import { systemRandom } from '../../../api/system.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';

const folder = await mkdtemp(join(tmpdir(), 'skiff-certificates-'));
after(() => rm(folder, { recursive: true }));

const clock0 = new VirtualClock();
const BORN_MS = clock0.now();
const MINUTE_MS = 60_000;
const NAMES = { dns: ['n1'], ips: ['10.0.0.1'] };
const ca = newAuthority(
  { subject: { commonName: 'ca' }, validMs: 3650 * DAY_MS },
  { random: systemRandom, nowMs: BORN_MS },
);
const subject = { commonName: 'system:node:n1', organizations: ['system:nodes'] };

/** Lives a day and was begun five minutes before. */
function aCertificate(requested = true, names = NAMES) {
  const key = newKey();
  const request = { subject, ...names, publicKey: key, usages: ['client'] as const, validMs: DAY_MS };
  return held(issue(ca, request, { random: systemRandom, nowMs: BORN_MS }), key, requested);
}
const DAY = aCertificate();

const plans: {
  it: string;
  held?: typeof DAY | undefined;
  names?: typeof NAMES;
  atMs?: number;
  wants: string | number;
}[] = [
  { it: 'asks where there is none', held: undefined, wants: 'there is none' },
  { it: 'asks for one of its own', held: aCertificate(false), wants: 'it was issued on this machine' },
  { it: 'looks every minute, for clocks jump', wants: MINUTE_MS },
  { it: 'waits until four fifths of its life', atMs: 0.8 * DAY_MS - 1_000, wants: 1_000 },
  { it: 'asks at four fifths of its life', atMs: 0.8 * DAY_MS, wants: 'its life is nearly over' },
  { it: 'asks when it has expired', atMs: 2 * DAY_MS, wants: 'it has expired' },
  { it: 'asks when the node has a new address', names: { dns: ['n1'], ips: ['10.0.0.2'] }, wants: 'it lacks 10.0.0.2' },
];
for (const each of plans) {
  test(`planRenewal ${each.it}`, () => {
    const which = 'held' in each ? each.held : DAY;
    const plan = planRenewal(which, each.names ?? NAMES, 0.8, BORN_MS + (each.atMs ?? 0));
    assert.equal('ask' in plan ? plan.ask : plan.waitMs, each.wants);
  });
}

test('nodes renew between 70 and 90 % of a life, not all at once', () => {
  assert.deepEqual(
    [shareOf(0), shareOf(0.5)].map((share) => Math.round(renewalMs(DAY, share) - BORN_MS)).map(Math.round),
    [0.7, 0.8].map((share) => Math.round(share * DAY_MS)),
  );
  assert.ok(Math.abs(shareOf(1) - 0.9) < 1e-9);
});

test('failures are retried after a second and never later than a minute and a quarter', () => {
  assert.deepEqual(
    [1, 2, 3, 20].map((failures) => retryMs(failures, 0.5)),
    [1_000, 2_000, 4_000, 60_000],
  );
  assert.equal(retryMs(20, 1), 75_000);
});

test('a certificate is kept with its key, secret, and read back only for its name and authority', async () => {
  const path = join(folder, 'kept/pair.pem');
  await writeHeld(path, DAY);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const asked = { commonName: subject.commonName, caBundle: ca.certPem, requested: true };
  assert.deepEqual(await readHeld([path], asked), DAY);
  assert.equal(await readHeld([path], { ...asked, commonName: 'system:node:n2' }), undefined);
  const other = newAuthority(
    { subject: { commonName: 'ca' }, validMs: DAY_MS },
    { random: systemRandom, nowMs: BORN_MS },
  );
  assert.equal(await readHeld([path], { ...asked, caBundle: other.certPem }), undefined);
  assert.ok(isSignedByOneOf(other.certPem + ca.certPem, DAY.certPem));
  await writeFile(path, (await readFile(path, 'utf8')).slice(0, 200));
  assert.equal(await readHeld([path], asked), undefined);
});

/** An API that signs for ten minutes at a time, or does not answer, or refuses. */
class Signer {
  mode: 'signs' | 'away' | 'denies' = 'signs';
  asked = 0;
  readonly #clock: VirtualClock;
  readonly #requests = new Map<string, string>();
  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }
  get client(): Client {
    const create = async (_of: unknown, { spec }: { spec: { request: string } }) => {
      this.asked++;
      if (this.mode === 'away') throw new Error('cannot reach the server');
      const name = `csr-${this.asked}`;
      this.#requests.set(name, spec.request);
      return { metadata: { name } };
    };
    const get = async (_of: unknown, { name }: { name: string }) => {
      const denial = { type: 'Denied', reason: 'No', message: 'not you' };
      if (this.mode === 'denies') return { metadata: { name }, status: { conditions: [denial] } };
      const request = parseSigningRequest(Buffer.from(this.#requests.get(name)!, 'base64').toString());
      const now = this.#clock.now();
      const terms = { usages: ['client auth'], notBeforeMs: now - 5 * MINUTE_MS, notAfterMs: now + 10 * MINUTE_MS };
      const pem = issueRequested(ca, request, terms, systemRandom);
      return { metadata: { name }, status: { certificate: Buffer.from(pem).toString('base64') } };
    };
    return { create, get } as unknown as Client;
  }
}

function aRotation(clock: VirtualClock, first: typeof DAY | undefined) {
  const wanted = { signerName: 'kubernetes.io/x', usages: ['client auth'], subject, names: NAMES };
  const random = { ...systemRandom, float: () => 0.5 };
  return new Rotation({ wanted, keep: async () => {}, first, clock, random, log: silent });
}

class JumpingClock extends VirtualClock {
  jumpMs = 0;
  override now(): number {
    return super.now() + this.jumpMs;
  }
}

test('a certificate is renewed again and again, long before it ends', async () => {
  const clock = new VirtualClock(BORN_MS);
  const signer = new Signer(clock);
  const rotation = aRotation(clock, aCertificate(false));
  const stop = new AbortController();
  const running = rotation.run(signer.client, stop.signal);
  let leastMs = Number.POSITIVE_INFINITY;
  await clock.advance(10_000);
  for (let minute = 0; minute < 120; minute++) {
    leastMs = Math.min(leastMs, rotation.held!.notAfterMs - clock.now());
    await clock.advance(MINUTE_MS);
  }
  stop.abort();
  await running;
  assert.ok(rotation.held!.requested);
  assert.ok(leastMs > MINUTE_MS / 2, `${leastMs} ms were left`);
  assert.ok(signer.asked >= 13 && signer.asked <= 17, `${signer.asked} requests in two hours`);
});

test('a server that is away keeps the old one in use, and is asked less and less often', async () => {
  const clock = new VirtualClock(BORN_MS);
  const signer = new Signer(clock);
  const rotation = aRotation(clock, DAY);
  signer.mode = 'away';
  const stop = new AbortController();
  const running = rotation.run(signer.client, stop.signal);
  await clock.advance(0.79 * DAY_MS);
  assert.equal(signer.asked, 0);
  await clock.advance(0.01 * DAY_MS + 60 * MINUTE_MS);
  assert.ok(signer.asked > 10 && signer.asked < 70, `${signer.asked} requests in an hour`);
  assert.equal(rotation.held, DAY);
  signer.mode = 'denies';
  await clock.advance(2 * MINUTE_MS);
  assert.equal(rotation.held, DAY);
  signer.mode = 'signs';
  await clock.advance(3 * MINUTE_MS);
  assert.notEqual(rotation.held, DAY);
  stop.abort();
  await running;
});

test('a clock that jumps a year ahead leads to a new certificate within a minute or two', async () => {
  const clock = new JumpingClock(BORN_MS);
  const signer = new Signer(clock);
  const rotation = aRotation(clock, DAY);
  const stop = new AbortController();
  const running = rotation.run(signer.client, stop.signal);
  await clock.advance(MINUTE_MS);
  assert.equal(signer.asked, 0);
  clock.jumpMs = 365 * DAY_MS;
  await clock.advance(2 * MINUTE_MS);
  assert.ok(rotation.held!.notAfterMs > clock.now());
  stop.abort();
  await running;
});

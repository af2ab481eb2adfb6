// Carries out what plan.mjs decided, a line for each step. Programs' own output is kept back and shown only when one
// fails, followed by one line that says what to do.
// @ts-check
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { findProgram, nodeLink, pinnedNode, probeKernel, searchDirs, top } from './facts.mjs';
import { hostPackages } from './packages.mjs';
import { kernelRefusal, withoutCandidate } from './plan.mjs';

/** Ends the run: the message is the last line the user sees. */
export class Refusal extends Error {}

/** @param {string} line */
export const say = (line) => process.stdout.write(`skiff: ${line}\n`);

/** @param {import('./plan.mjs').Step} step */
export async function perform(step) {
  switch (step.do) {
    case 'npm':
      return installModules();
    case 'apt':
      return installPackages(step.packages);
    case 'kernel':
      return checkKernel();
  }
}

// What npm has fetched before needs no registry, the lock file holds its digest; and a machine without one is told soon.
const NPM_CI = ['ci', '--prefer-offline', '--fetch-retries=1', '--fetch-retry-maxtimeout=10000'];

async function installModules() {
  const { ok } = await timed('installing npm packages and the pinned Node', 'npm', NPM_CI);
  if (!ok)
    throw new Refusal('npm could not install the packages (see above): is a package registry reachable? (npm ping)');
  if (!existsSync(pinnedNode))
    throw new Refusal('npm left out the pinned Node: allow optional packages (npm config delete omit)');
  if (!existsSync(nodeLink)) symlinkSync(relative(dirname(nodeLink), pinnedNode), nodeLink);
}

/** @param {string[]} names */
async function installPackages(names) {
  await ensureOffered(names);
  const units = hostPackages.flatMap(({ name, unit }) => (unit && names.includes(name) ? [unit] : []));
  const done = await withoutStarting(units, () =>
    // Never at the price of something that is installed.
    timed(`installing ${names.join(' ')}`, 'apt-get', [
      ...APT,
      'install',
      '--no-install-recommends',
      '--no-remove',
      ...names,
    ]),
  );
  if (!done.ok) throw new Refusal('apt-get could not install them (see above): mend that and start again');
}

const APT = [
  '-q',
  '-y',
  '-o',
  'DPkg::Lock::Timeout=120',
  '-o',
  'Dpkg::Options::=--force-confdef',
  '-o',
  'Dpkg::Options::=--force-confold',
];

/** @param {string[]} names */
async function ensureOffered(names) {
  const lacking = async () => withoutCandidate(names, (await run('apt-cache', ['policy', ...names])).output);
  if ((await lacking()).length === 0) return;
  await timed('fetching the list of packages', 'apt-get', [...APT, 'update']);
  const still = await lacking();
  if (still.length > 0) {
    throw new Refusal(
      `no package source offers ${still.join(', ')}: add one in /etc/apt/sources.list, or connect this machine`,
    );
  }
}

/**
 * Packages start their service when they are installed; skiff runs an instance of its own and nobody asked for another.
 * A unit that is masked while its package is installed is not started; disabled, it also stays down after a reboot.
 * @template T @param {string[]} units @param {() => Promise<T>} install
 */
async function withoutStarting(units, install) {
  const systemd = (await run('test', ['-d', '/run/systemd/system'])).ok && findProgram('systemctl') !== undefined;
  if (!systemd || units.length === 0) return install();
  await run('systemctl', ['mask', '--runtime', ...units]);
  try {
    return await install();
  } finally {
    await run('systemctl', ['unmask', '--runtime', ...units]);
    await run('systemctl', ['disable', ...units]);
  }
}

async function checkKernel() {
  const refusal = kernelRefusal(probeKernel());
  if (refusal !== undefined) throw new Refusal(refusal);
  say('the kernel has what is needed: nf_tables with NAT, veth, overlayfs, control groups');
}

/** Where `unpack` puts programs that tests use. */
export const unpackedDir = join(top, 'node_modules/.cache/host');
export const unpackedDirs = ['usr/bin', 'bin', 'usr/sbin', 'sbin'].map((dir) => join(unpackedDir, dir));

/** Takes the files out of packages without installing them. @param {string[]} names */
export async function unpack(names) {
  await ensureOffered(names);
  mkdirSync(unpackedDir, { recursive: true });
  const script = 'apt-get -q download "$@" && for deb in *.deb; do dpkg-deb -x "$deb" . && rm "$deb"; done';
  const { ok } = await timed(
    `unpacking ${names.join(' ')} for the tests`,
    'sh',
    ['-c', script, 'sh', ...names],
    unpackedDir,
  );
  if (!ok)
    throw new Refusal('the packages the tests need could not be fetched (see above): mend that and run npm test again');
}

/** @param {string} what @param {string} program @param {string[]} args @param {string} [cwd] */
async function timed(what, program, args, cwd) {
  process.stdout.write(`skiff: ${what} ... `);
  const from = Date.now();
  const result = await run(program, args, cwd);
  process.stdout.write(`${result.ok ? 'done' : 'failed'} (${Math.round((Date.now() - from) / 1000)} s)\n`);
  if (!result.ok) process.stderr.write(complaint(result.output));
  return result;
}

/** The end of what a program said, without the warnings that also come when all is well. @param {string} output */
function complaint(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !/\bWARN\b/.test(line));
  return lines
    .slice(-12)
    .map((line) => `  | ${line}\n`)
    .join('');
}

const OUTPUT_MAX = 64 * 1024;

/**
 * @param {string} program @param {string[]} args @param {string} [cwd]
 * @returns {Promise<{ ok: boolean, output: string }>} with the end of what it printed
 */
function run(program, args, cwd = top) {
  const env = {
    ...process.env,
    PATH: searchDirs().join(delimiter),
    DEBIAN_FRONTEND: 'noninteractive',
    LC_ALL: 'C.UTF-8',
  };
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (/** @type {Buffer} */ chunk) => {
    output = (output + chunk.toString()).slice(-OUTPUT_MAX);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((resolve) => {
    child.on('error', (err) => resolve({ ok: false, output: err.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

// Looks at the machine; changes nothing that outlives the look. plan.mjs decides on what is found here.
// @ts-check
import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { libraryDirs, systemDirs } from './packages.mjs';
import { modulesState } from './plan.mjs';
import { occupied } from './ports.mjs';

/** @typedef {import('./packages.mjs').HostPackage} HostPackage */

export const top = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** The Node everything but this folder runs on; a package like the others, so the lock file pins it. */
export const pinnedNode = join(top, `node_modules/node-linux-${process.arch}/bin/node`);
/** What npm puts first on the path of its scripts. npm 9 makes no link for a program called node. */
export const nodeLink = join(top, 'node_modules/.bin/node');

/**
 * @param {{ ports: number[], packages: HostPackage[] }} wants
 * @returns {import('./plan.mjs').Facts}
 */
export function lookAtMachine({ ports, packages }) {
  return {
    uid: process.getuid?.() ?? -1,
    platform: process.platform,
    arch: process.arch,
    occupied: process.platform === 'linux' ? occupied(ports) : [],
    cgroups: hasCgroups(),
    modules: lookAtModules(),
    missing: missingPackages(packages).map(({ name }) => name),
    apt: findProgram('apt-get') !== undefined,
  };
}

/** @param {HostPackage[]} packages @param {string[]} [moreDirs] */
export function missingPackages(packages, moreDirs = []) {
  return packages.filter(({ programs, library, isStatic }) => {
    if (library !== undefined && !libraryDirs.some((dir) => existsSync(join(dir, library)))) return true;
    const paths = programs.map((name) => findProgram(name, moreDirs));
    return paths.some((path) => path === undefined || (isStatic && !needsNoLibraries(path)));
  });
}

/** @param {string} name @param {string[]} [moreDirs] @returns {string | undefined} */
export function findProgram(name, moreDirs = []) {
  const candidates = name.startsWith('/') ? [name] : [...moreDirs, ...searchDirs()].map((dir) => join(dir, name));
  return candidates.find(isExecutable);
}

export function searchDirs() {
  // Not node_modules/.bin, which npm puts first: the Node there may be about to be replaced.
  const own = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((dir) => dir !== '' && !/node_modules\/\.bin\/?$/.test(dir));
  return [...new Set([...own, ...systemDirs])];
}

/** Tried for real, in a network namespace that ends with the attempt. */
export function probeKernel() {
  const veth = attempt('unshare', ['--net', 'ip', 'link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1']);
  const rules = 'table ip probe {\n chain c {\n type nat hook postrouting priority 100\n masquerade\n }\n}\n';
  const nat = attempt('unshare', ['--net', 'nft', '-f', '-'], rules);
  const hasOverlay = () => /\toverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'));
  const overlay =
    hasOverlay() || attempt('modprobe', ['overlay']) === undefined || hasOverlay()
      ? undefined
      : 'modprobe overlay fails';
  return { veth, nat, overlay };
}

/** @param {string} program @param {string[]} args @param {string} [input] @returns {string | undefined} the complaint */
function attempt(program, args, input) {
  const { status, error, stderr } = spawnSync(program, args, {
    input,
    encoding: 'utf8',
    env: { ...process.env, PATH: searchDirs().join(delimiter) },
  });
  if (error) return error.message;
  return status === 0 ? undefined : (stderr.trim().split('\n')[0] ?? '') || `${program} ends with ${status}`;
}

function lookAtModules() {
  /** @param {string} path */
  const read = (path) => JSON.parse(readFileSync(join(top, path), 'utf8')).packages;
  const wanted = read('package-lock.json');
  const noted = 'node_modules/.package-lock.json';
  const installed = existsSync(nodeLink) && existsSync(join(top, noted)) ? read(noted) : undefined;
  return modulesState(wanted, installed, process);
}

function hasCgroups() {
  const root = '/sys/fs/cgroup';
  const wanted = ['cpu', 'memory', 'pids'];
  const unified = existsSync(`${root}/cgroup.controllers`)
    ? readFileSync(`${root}/cgroup.controllers`, 'utf8').trim().split(' ')
    : [];
  return wanted.every((name) => unified.includes(name) || existsSync(`${root}/${name}`));
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The name of the dynamic loader stands among the first bytes of a program that has one. @param {string} path */
function needsNoLibraries(path) {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(4096);
    readSync(file, head, 0, head.length, 0);
    return !/\/ld-(linux|musl)/.test(head.toString('latin1'));
  } finally {
    closeSync(file);
  }
}

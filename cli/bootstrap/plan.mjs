// What setting up this machine takes, decided from facts alone: either one line that says why not and what to do, or
// steps in order. facts.mjs looks, perform.mjs does.
// @ts-check

/**
 * @typedef {object} Facts
 * @property {number} uid
 * @property {string} platform
 * @property {string} arch
 * @property {{ port: number, holder: string, isSkiff: boolean }[]} occupied
 * @property {boolean} cgroups the controllers pods are confined with are there
 * @property {'current' | 'missing' | 'stale'} modules npm packages, against the lock file
 * @property {string[]} missing packages of which a program or library is not to be found
 * @property {boolean} apt
 */

/** @typedef {{ do: 'npm' } | { do: 'apt', packages: string[] } | { do: 'kernel' }} Step */

/** @typedef {'ask' | 'remove' | 'run'} Purpose */

/**
 * @param {Facts} facts
 * @param {Purpose} purpose to read the help, to remove what there is, or to run containers
 * @returns {{ refuse: string } | { steps: Step[] }}
 */
export function planSetup(facts, purpose) {
  const refuse = whyNot(facts, purpose);
  if (refuse !== undefined) return { refuse };
  /** @type {Step[]} */
  const steps = [];
  // Before npm, whose packages run the pinned Node while they are installed, and that needs a library.
  if (facts.missing.length > 0) steps.push({ do: 'apt', packages: facts.missing });
  if (facts.modules !== 'current') steps.push({ do: 'npm' });
  // Last, because the probes use programs that the first step may bring.
  if (purpose === 'run') steps.push({ do: 'kernel' });
  return { steps };
}

/** @param {Facts} facts @param {Purpose} purpose @returns {string | undefined} */
function whyNot({ uid, platform, arch, occupied, cgroups, missing, apt }, purpose) {
  if (platform !== 'linux') return `skiff runs on Linux, not on ${platform}: use a Linux machine or a virtual one`;
  if (arch !== 'x64' && arch !== 'arm64') return `skiff runs on x64 and arm64, not on ${arch}`;
  if (uid !== 0 && (purpose !== 'ask' || missing.length > 0)) {
    return 'containers need root: use `sudo npm start` (or `sudo npm test`, `sudo npm run down`)';
  }
  if (missing.length > 0 && !apt) {
    return `missing ${missing.join(', ')}, and there is no apt-get here: install them with this system's package manager`;
  }
  if (purpose !== 'run') return undefined;
  // What skiff itself holds is for `up` to judge: it may be ending just now.
  const held = occupied.find(({ isSkiff }) => !isSkiff);
  if (held)
    return `port ${held.port} is in use by ${held.holder}: end that, or choose another port (npm start -- --help)`;
  if (!cgroups)
    return 'the control groups cpu, memory and pids are not there: mount /sys/fs/cgroup, or enable them in the kernel';
  return undefined;
}

/**
 * @param {{ nat?: string, veth?: string, overlay?: string }} kernel what does not work, each with the reason
 * @returns {string | undefined}
 */
export function kernelRefusal({ nat, veth, overlay }) {
  const advice = 'use a distribution kernel, or load the module';
  if (veth) return `the kernel cannot make veth pairs in a network namespace (${veth}): ${advice} veth`;
  if (nat) return `the kernel lacks nf_tables with NAT (${nat}): ${advice}s nf_tables and nft_chain_nat`;
  if (overlay) return `the kernel lacks overlayfs (${overlay}): ${advice} overlay`;
  return undefined;
}

/**
 * The packages no source offers.
 * @param {string[]} wanted
 * @param {string} policy what `apt-cache policy` printed
 */
export function withoutCandidate(wanted, policy) {
  const offered = new Set();
  let current = '';
  for (const line of policy.split('\n')) {
    const name = /^(\S+):$/.exec(line)?.[1];
    if (name !== undefined) current = name;
    const candidate = /^\s+Candidate: (\S+)/.exec(line)?.[1];
    if (candidate !== undefined && candidate !== '(none)') offered.add(current);
  }
  return wanted.filter((name) => !offered.has(name));
}

/** @typedef {{ version?: string, os?: string | string[], cpu?: string | string[], libc?: string | string[] }} Locked */

/**
 * Whether node_modules is what the lock file asks for on this machine. npm notes what it installed in
 * node_modules/.package-lock.json.
 * @param {Record<string, Locked>} wanted
 * @param {Record<string, Locked> | undefined} installed
 * @param {{ platform: string, arch: string }} machine
 * @returns {Facts['modules']}
 */
export function modulesState(wanted, installed, { platform, arch }) {
  if (installed === undefined) return 'missing';
  /** @param {string | string[] | undefined} named @param {string} ours */
  const admits = (named, ours) => named === undefined || [named].flat().includes(ours);
  const fits = (/** @type {Locked} */ { os, cpu, libc }) =>
    admits(os, platform) && admits(cpu, arch) && admits(libc, 'glibc');
  const here = Object.entries(wanted).filter(([path, entry]) => path !== '' && fits(entry));
  const asWanted = here.every(([path, { version }]) => installed[path]?.version === version);
  const nothingElse = Object.keys(installed).every((path) => path in wanted);
  return asWanted && nothingElse ? 'current' : 'stale';
}

/**
 * The ports `up` will want, as far as flags and variables tell; the settings file is read later, by `up` itself.
 * @param {string[]} argv
 * @param {Record<string, string | undefined>} env
 */
export function portsWanted(argv, env) {
  /** @param {string} flag @param {string} variable @param {number} fallback */
  const port = (flag, variable, fallback) => {
    const inline = argv.find((arg) => arg.startsWith(`--${flag}=`))?.slice(flag.length + 3);
    const given = inline ?? (argv.includes(`--${flag}`) ? argv[argv.indexOf(`--${flag}`) + 1] : env[variable]);
    return given === undefined ? fallback : Number(given);
  };
  return [
    port('port', 'SKIFF_PORT', 6443),
    port('kubelet-port', 'SKIFF_KUBELET_PORT', 10250),
    port('proxy-health-port', 'SKIFF_PROXY_HEALTH_PORT', 10256),
  ].filter((value) => value > 0 && value < 65536);
}

// The host programs skiff needs, and which Debian package brings each. A package is installed only when one of its
// programs is nowhere to be found: what the machine already has, from wherever it came, is used as it is.
// @ts-check

/**
 * @typedef {object} HostPackage
 * @property {string} name
 * @property {string[]} programs on the search path, or absolute
 * @property {string} [library] a shared library that programs load by this name
 * @property {string} [unit] a service that comes with the package and that nobody asked us to run
 * @property {boolean} [isStatic] the program must not need libraries, because tests put it into images
 */

/** What the pinned Node itself needs, so that it comes before everything else. @type {HostPackage[]} */
export const nodePackages = [{ name: 'libatomic1', programs: [], library: 'libatomic.so.1' }];

/** @type {HostPackage[]} */
export const hostPackages = [
  ...nodePackages,
  { name: 'containerd', programs: ['containerd', 'ctr', 'containerd-shim-runc-v2'], unit: 'containerd.service' },
  { name: 'runc', programs: ['runc'] },
  { name: 'nftables', programs: ['nft'] },
  {
    name: 'containernetworking-plugins',
    programs: ['/usr/lib/cni/ptp', '/usr/lib/cni/host-local', '/usr/lib/cni/loopback', '/usr/lib/cni/bandwidth'],
  },
  { name: 'iproute2', programs: ['ip', 'bridge'] },
  { name: 'procps', programs: ['sysctl'] },
  { name: 'conntrack', programs: ['conntrack'] },
  { name: 'catatonit', programs: ['catatonit'] },
  { name: 'kubernetes-client', programs: ['kubectl'] },
];

// Unpacked beside the checkout, never installed: their installation would start services, or replace what is there.
/** @type {HostPackage[]} */
export const testPackages = [
  { name: 'busybox-static', programs: ['busybox'], isStatic: true },
  { name: 'docker-registry', programs: ['docker-registry'] },
  { name: 'etcd-server', programs: ['etcd'] },
];

/** Only for the tests that boot whole machines (`npm run test:vm`). @type {HostPackage[]} */
export const vmPackages = [
  { name: 'qemu-system-x86', programs: ['qemu-system-x86_64'] },
  { name: 'mmdebstrap', programs: ['mmdebstrap'] },
  { name: 'e2fsprogs', programs: ['mkfs.ext4'] },
  { name: 'openssh-client', programs: ['ssh', 'ssh-keygen'] },
  { name: 'git', programs: ['git'] },
];

/** Root's PATH is not always on the PATH of the one who became root. */
export const systemDirs = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Where distributions keep shared libraries of the processors we run on. */
export const libraryDirs = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
];

// The disk of a bare Debian 12 machine: systemd, a kernel, the distribution's Node, npm and git, and a door for tests
// (sshd that lets in the key named on the kernel's command line). Made once and kept in a cache folder under a name
// that is the digest of everything that goes into it, so that a changed recipe is another image.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { exec } from '../../cluster/harness/process.ts';

export interface VmImage {
  readonly kernel: string;
  readonly initrd: string;
  /** A raw ext4 file system, to be copied and never booted from itself. */
  readonly disk: string;
}

const MINUTE_MS = 60_000;
const KEPT_IMAGES = 2;
const MAKING = 'making-';
const DISK_SIZE = '8G';
const SUITE = 'bookworm';

/** Nothing of what `npm start` has to bring. */
const PACKAGES = [
  ...['linux-image-cloud-amd64', 'initramfs-tools', 'systemd-sysv', 'libpam-systemd', 'dbus', 'udev'],
  ...['ca-certificates', 'openssh-server', 'nodejs', 'npm', 'git'],
];

/** Files of the machine beside those of packages. */
const FILES: readonly { path: string; mode?: number; text: string; beforePackages?: boolean }[] = [
  // Only what finding the root takes: an initrd with every driver costs an emulated machine seconds at each boot.
  { path: 'etc/initramfs-tools/conf.d/modules', text: 'MODULES=list\n', beforePackages: true },
  { path: 'etc/initramfs-tools/modules', text: 'virtio_pci\nvirtio_blk\next4\n', beforePackages: true },
  { path: 'etc/fstab', text: '/dev/vda / ext4 defaults 0 1\n' },
  { path: 'etc/hostname', text: 'bare\n' },
  { path: 'etc/hosts', text: '127.0.0.1 localhost\n127.0.1.1 bare\n' },
  { path: 'etc/systemd/network/net.network', text: '[Match]\nType=ether\nName=en* eth*\n[Network]\nDHCP=ipv4\n' },
  // The resolver of qemu's user network.
  { path: 'etc/resolv.conf', text: 'nameserver 10.0.2.3\n' },
  {
    path: 'etc/ssh/sshd_config.d/door.conf',
    text: 'AuthorizedKeysCommand /usr/local/sbin/key-of-this-run\nAuthorizedKeysCommandUser nobody\nUseDNS no\n',
  },
  {
    path: 'usr/local/sbin/key-of-this-run',
    mode: 0o755,
    text: '#!/bin/sh\nsed -n "s/.*test-key=\\([^ ]*\\).*/ssh-ed25519 \\1/p" /proc/cmdline\n',
  },
];

/** Time-driven jobs of the distribution would compete with the test for an emulated processor. */
const UNITS_OFF = ['apt-daily.timer', 'apt-daily-upgrade.timer', 'e2scrub_all.timer', 'fstrim.timer'];

interface Sources {
  /** As sources.list has them; none: the distribution's own. */
  readonly apt: readonly string[];
  /** Machines that reach registries through a gateway trust its certificate: so does the guest. */
  readonly authorities: string;
  readonly npmRegistry: string;
}

export async function vmImage(): Promise<VmImage> {
  const sources = await sourcesOfHost();
  const recipe = JSON.stringify([PACKAGES, FILES, UNITS_OFF, DISK_SIZE, SUITE, sources]);
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skiff/vm');
  const dir = join(cache, key);
  await mkdir(cache, { recursive: true });
  if (!(await readdir(cache)).includes(key)) {
    await removeOld(cache);
    const made = await mkdtemp(join(cache, MAKING));
    try {
      await makeImage(made, sources);
      await rename(made, dir);
    } finally {
      await rm(made, { recursive: true, force: true });
    }
  }
  return { kernel: join(dir, 'vmlinuz'), initrd: join(dir, 'initrd'), disk: join(dir, 'disk') };
}

/** Images of older recipes but the last, and what a killed run left half made. */
async function removeOld(cache: string): Promise<void> {
  const entries = await Promise.all(
    (await readdir(cache)).map(async (name) => ({ name, madeMs: (await stat(join(cache, name))).mtimeMs })),
  );
  const isHalf = ({ name }: { name: string }) => name.startsWith(MAKING);
  const images = entries.filter((entry) => !isHalf(entry)).sort((a, b) => b.madeMs - a.madeMs);
  const abandoned = entries.filter((entry) => isHalf(entry) && Date.now() - entry.madeMs > 60 * MINUTE_MS);
  for (const { name } of [...images.slice(KEPT_IMAGES - 1), ...abandoned]) {
    await rm(join(cache, name), { recursive: true, force: true });
  }
}

async function sourcesOfHost(): Promise<Sources> {
  const format = 'deb $(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN) $(CODENAME)';
  const { stdout } = await exec('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const fits = new RegExp(`^(deb \\S+ \\S+ main) Debian ${SUITE}\\S*$`);
  const apt = stdout.split('\n').flatMap((line) => fits.exec(line)?.[1] ?? []);
  const authorities = await readFile('/etc/ssl/certs/ca-certificates.crt', 'utf8').catch(() => '');
  const npm = await exec('npm', ['config', 'get', 'registry'], { cwd: '/' });
  return { apt: [...new Set(apt)], authorities, npmRegistry: npm.stdout.trim() };
}

async function makeImage(dir: string, sources: Sources): Promise<void> {
  const root = join(dir, 'root');
  const overlays = { first: join(dir, 'first'), later: join(dir, 'later') };
  await writeTree(
    overlays.first,
    FILES.filter((file) => file.beforePackages),
  );
  await writeTree(overlays.later, [
    ...FILES.filter((file) => !file.beforePackages),
    { path: 'root/.npmrc', text: `registry=${sources.npmRegistry}\n` },
    ...(sources.authorities === '' ? [] : [{ path: 'etc/ssl/certs/ca-certificates.crt', text: sources.authorities }]),
  ]);
  const copy = (from: string) => `cp -r --no-preserve=ownership ${from}/. "$1/"`;
  const units = `chroot "$1" systemctl enable systemd-networkd && chroot "$1" systemctl mask ${UNITS_OFF.join(' ')}`;
  await exec(
    'mmdebstrap',
    [
      ...['--quiet', '--mode=root', '--variant=minbase', '--keyring=/usr/share/keyrings'],
      `--include=${PACKAGES.join(',')}`,
      `--setup-hook=${copy(overlays.first)}`,
      `--customize-hook=${copy(overlays.later)}`,
      `--customize-hook=${units}`,
      '--customize-hook=rm -f "$1/etc/machine-id" && echo uninitialized > "$1/etc/machine-id"',
      ...[SUITE, root, ...sources.apt],
    ],
    { env: { PATH: process.env['PATH'] ?? '' }, timeoutMs: 10 * MINUTE_MS },
  );
  for (const [pattern, name] of [
    ['vmlinuz-*', 'vmlinuz'],
    ['initrd.img-*', 'initrd'],
  ]) {
    await exec('sh', ['-c', 'cp "$1"/boot/$2 "$3"', 'sh', root, pattern!, join(dir, name!)]);
  }
  await exec('mkfs.ext4', ['-q', '-F', '-d', root, join(dir, 'disk'), DISK_SIZE], { timeoutMs: 5 * MINUTE_MS });
  for (const path of [root, overlays.first, overlays.later]) await rm(path, { recursive: true });
}

async function writeTree(dir: string, files: readonly { path: string; mode?: number; text: string }[]): Promise<void> {
  for (const { path, mode = 0o644, text } of files) {
    const file = join(dir, path);
    await mkdir(join(file, '..'), { recursive: true, mode: 0o755 });
    await writeFile(file, text, { mode });
  }
}

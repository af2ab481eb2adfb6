// What the cluster ring needs of the machine, checked once and told in one line instead of by the first program that
// is not found.
import { findProgram } from '../../../cli/containerd-host.ts';

const PROGRAMS: Record<string, string> = {
  busybox: 'busybox-static',
  catatonit: 'catatonit',
  containerd: 'containerd',
  ctr: 'containerd',
  'docker-registry': 'docker-registry',
  ip: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  perl: 'perl-base',
  runc: 'runc',
  setpriv: 'util-linux',
  unshare: 'util-linux',
};

let checked: Promise<void> | undefined;

/** Throws where tests of this ring cannot run. */
export function checkRequirements(): Promise<void> {
  checked ??= check();
  return checked;
}

async function check(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('the cluster tests make namespaces and mounts: run them as root');
  const names = Object.keys(PROGRAMS);
  const missing = (await Promise.all(names.map(async (name) => ((await findProgram(name)) ? [] : [name])))).flat();
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => PROGRAMS[name]))].join(' ');
  throw new Error(`the cluster tests need ${missing.join(', ')}: apt-get install ${packages}`);
}

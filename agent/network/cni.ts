// agent/network: the CNI configuration that containerd finds. `ptp` gives each pod a veth to the host and a route to
// it, host-local an address of this node's range, bandwidth obeys the pod's annotations. No plugin masquerades or
// maps ports: the table does.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const CONFLIST = '10-skiff.conflist';
/** The network's name, under which the plugins keep their notes. */
export const NETWORK = 'skiff';
/** Where the runtime's library keeps what plugins answered. */
export const RESULTS_DIR = '/var/lib/cni/results';

export interface CniOptions {
  readonly podCidrs: readonly string[];
  /** Where host-local remembers which address is whose. */
  readonly stateDir: string;
  /** 0: as the link has it. */
  readonly mtu: number;
}

/** The text of the configuration. Pure. */
export function conflist({ podCidrs, stateDir, mtu }: CniOptions): string {
  const anywhere = podCidrs.map((cidr) => ({ dst: cidr.includes(':') ? '::/0' : '0.0.0.0/0' }));
  const config = {
    cniVersion: '0.4.0',
    name: NETWORK,
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ...(mtu === 0 ? {} : { mtu }),
        ipam: {
          type: 'host-local',
          dataDir: stateDir,
          ranges: podCidrs.map((subnet) => [{ subnet }]),
          routes: anywhere,
        },
      },
      { type: 'bandwidth', capabilities: { bandwidth: true } },
    ],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Writes the configuration unless it is there already; a reader sees the old or the new one, never a half. True when it changed. */
export async function writeConflist(confDir: string, options: CniOptions): Promise<boolean> {
  const path = join(confDir, CONFLIST);
  const text = conflist(options);
  const old = await readFile(path, 'utf8').catch(() => undefined);
  if (old === text) return false;
  await mkdir(confDir, { recursive: true });
  await mkdir(options.stateDir, { recursive: true });
  // The name must not end like a configuration: containerd watches the folder.
  const temporary = `${path}.new`;
  await writeFile(temporary, text);
  await rename(temporary, path);
  return true;
}

/** The ranges of the configuration that is there; none when there is none of ours. */
export async function readPodCidrs(confDir: string): Promise<string[]> {
  try {
    const { plugins } = JSON.parse(await readFile(join(confDir, CONFLIST), 'utf8')) as {
      plugins: { ipam?: { ranges: { subnet: string }[][] } }[];
    };
    return plugins.flatMap(({ ipam }) => ipam?.ranges.flat().map(({ subnet }) => subnet) ?? []);
  } catch {
    return []; // not there, or not as we write it: it will be written anew
  }
}

/** With another CNI in charge ours must not be found. Only our own file is touched. */
export async function removeConflist(confDir: string): Promise<void> {
  await rm(join(confDir, CONFLIST), { force: true });
}

/** Configurations of others in the folder: containerd takes the first by name, which then is perhaps not ours. */
export async function foreignConfigs(confDir: string): Promise<string[]> {
  const names = await readdir(confDir).catch(() => []);
  return names.filter((name) => /\.(conf|conflist|json)$/.test(name) && name !== CONFLIST).sort();
}

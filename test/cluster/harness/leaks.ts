// Nothing of a test may stay on the host: what is there before is compared with what is there after. Nodes of other
// test processes come and go meanwhile, so what carries another owner's pid in its name is theirs to account for.
// With SKIFF_TEST_ALONE=1 every difference counts; without it, on a machine that others use, only what looks like ours.
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { OWN_PREFIX, TEST_PREFIX } from './names.ts';
import { hierarchies } from './node-cgroups.ts';
import { exec } from './process.ts';
import { waitFor } from './wait.ts';

const ALONE = process.env['SKIFF_TEST_ALONE'] === '1';
/** Disks of virtual machines, made by another ring's tests. */
const OF_OTHERS = /\/\.cache\/skiff\/vm\//;
const LOOKS_LIKE_OURS = /skiff|skt|kubelet|kube-|cgroup of ours/;

type HostState = Map<string, readonly string[]>;

export interface LeakCheck {
  /** Throws with every difference. Gives the kernel a moment: namespaces are taken down after their last process. */
  verify(timeoutMs?: number): Promise<void>;
}

export async function beginLeakCheck(): Promise<LeakCheck> {
  const before = await hostState();
  return {
    async verify(timeoutMs = 5_000) {
      await waitFor(
        'the host to be as it was before',
        async () => {
          const left = differences(before, await hostState()).filter(
            (line) => ALONE || (LOOKS_LIKE_OURS.test(line) && !OF_OTHERS.test(line)),
          );
          if (left.length > 0) throw new Error(`\n  ${left.join('\n  ')}`);
          return true;
        },
        { timeoutMs, intervalMs: 100 },
      );
    },
  };
}

/** What is new and what is gone, one line each. */
export function differences(before: HostState, after: HostState): string[] {
  return [...before.keys()].flatMap((kind) => {
    const [was, is] = [before.get(kind) ?? [], after.get(kind) ?? []];
    return [
      ...is.filter((each) => !was.includes(each)).map((each) => `left behind: ${kind} ${each}`),
      ...was.filter((each) => !is.includes(each)).map((each) => `gone: ${kind} ${each}`),
    ];
  });
}

async function hostState(): Promise<HostState> {
  const trees = await hierarchies();
  return new Map([
    ['process', await processes()],
    ['mount', await mounts()],
    ['network namespace', await list('/run/netns')],
    ['interface', await interfaces()],
    ['nftables table', await tables()],
    ['cgroup', (await Promise.all(trees.map(({ mountPoint }) => list(mountPoint)))).flat().filter(isOurs)],
    ['folder', (await list(tmpdir())).filter(isOurs)],
    [
      'host folder',
      await presentOf(['/var/lib/skiff', '/run/skiff', '/etc/skiff', '/etc/cni/net.d', '/var/lib/kubelet']),
    ],
  ]);
}

const RUNTIME = /^(containerd|containerd-shim.*|runc|docker-registry)$/;

/** Programs that nodes are made of: in a cgroup of ours, or loose on the host. */
async function processes(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await list('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    // Processes end while we look.
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
    const cgroups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    if (isOurs(cgroups)) found.push(`${pid} ${name}, in a cgroup of ours`);
    else if (RUNTIME.test(name) && !cgroups.includes(TEST_PREFIX)) found.push(`${pid} ${name}`);
  }
  return found;
}

async function mounts(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter(Boolean);
  return lines.map((line) => line.split(' ')[4]!).filter((path) => !path.includes(TEST_PREFIX) || isOurs(path));
}

async function interfaces(): Promise<string[]> {
  const { stdout } = await exec('ip', ['-details', '-json', 'link', 'show']);
  const links = JSON.parse(stdout) as { ifname: string; ifalias?: string }[];
  return links.filter(({ ifalias }) => ifalias === undefined || isOurs(ifalias)).map(({ ifname }) => ifname);
}

async function tables(): Promise<string[]> {
  const { stdout } = await exec('nft', ['list', 'tables']);
  return stdout.split('\n').filter(Boolean);
}

async function presentOf(paths: readonly string[]): Promise<string[]> {
  const present = await Promise.all(paths.map(async (path) => ((await list(path)).length > 0 ? [path] : [])));
  return present.flat();
}

function isOurs(name: string): boolean {
  return name.includes(OWN_PREFIX);
}

/** A folder that is not there has nothing in it. */
async function list(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}

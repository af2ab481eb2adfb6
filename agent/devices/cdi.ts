// The container device interface, for runtimes that do not know it: specifications that drivers put into folders say
// what a container needs to use a device. What CRI can express is done; what it cannot (hooks) fails by name.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Device, Mount } from '../cri/types.ts';
import { ifAbsent } from '../if-absent.ts';
import { type Grant, joined } from './grant.ts';

export interface CdiEdits {
  readonly env?: readonly string[];
  readonly deviceNodes?: readonly {
    readonly path: string;
    readonly hostPath?: string;
    readonly permissions?: string;
  }[];
  readonly mounts?: readonly {
    readonly hostPath: string;
    readonly containerPath: string;
    readonly type?: string;
    readonly options?: readonly string[];
  }[];
  readonly hooks?: readonly unknown[];
  readonly intelRdt?: unknown;
  readonly netDevices?: readonly unknown[];
  readonly additionalGids?: readonly number[];
}

export interface CdiSpec {
  readonly kind: string;
  readonly devices?: readonly { readonly name: string; readonly containerEdits?: CdiEdits }[];
  readonly containerEdits?: CdiEdits;
}

/** Every specification of the folders; later folders override earlier ones. */
export async function readCdiSpecs(dirs: readonly string[]): Promise<CdiSpec[]> {
  const specs: CdiSpec[] = [];
  for (const dir of dirs) {
    const names = await readdir(dir).catch(ifAbsent([])); // nobody put anything there
    for (const name of names.sort()) {
      if (!/\.(json|ya?ml)$/.test(name)) continue;
      const text = await readFile(join(dir, name), 'utf8');
      try {
        specs.push((name.endsWith('.json') ? JSON.parse(text) : (await import('yaml')).parse(text)) as CdiSpec);
      } catch (cause) {
        throw new Error(`CDI specification ${join(dir, name)} cannot be read`, { cause });
      }
    }
  }
  return specs;
}

/** What these devices (`vendor.com/class=name`) mean for a container. Throws what is unknown or impossible. */
export function editsOf(names: readonly string[], specs: readonly CdiSpec[]): Partial<Grant> {
  const edits = names.flatMap((name) => {
    const at = name.indexOf('=');
    const [kind, device] = [name.slice(0, at), name.slice(at + 1)];
    const spec = specs.findLast((each) => each.kind === kind && each.devices?.some((one) => one.name === device));
    if (spec === undefined) throw new Error(`unresolvable CDI devices ${name}`);
    const own = spec.devices!.find((one) => one.name === device)!.containerEdits ?? {};
    return [asGrant(spec.containerEdits ?? {}, name), asGrant(own, name)];
  });
  return joined(edits);
}

function asGrant(edits: CdiEdits, name: string): Partial<Grant> {
  const impossible = [
    ...((edits.hooks ?? []).length > 0 ? ['hooks'] : []),
    ...(edits.intelRdt === undefined ? [] : ['intelRdt']),
    ...((edits.netDevices ?? []).length > 0 ? ['network devices'] : []),
    ...(edits.mounts ?? []).flatMap(({ type = 'bind' }) =>
      ['bind', 'none', ''].includes(type) ? [] : [`a mount of type ${type}`],
    ),
  ];
  if (impossible.length > 0) {
    throw new Error(`CDI device ${name} needs ${impossible.join(', ')}: this runtime does not support CDI`);
  }
  return {
    envs: Object.fromEntries((edits.env ?? []).map((line) => splitOnce(line))),
    devices: (edits.deviceNodes ?? []).map(
      ({ path, hostPath, permissions }): Device => ({
        containerPath: path,
        hostPath: hostPath || path,
        permissions: permissions || 'rwm',
      }),
    ),
    mounts: (edits.mounts ?? []).map(mountOf),
    groups: edits.additionalGids ?? [],
  };
}

function mountOf({ hostPath, containerPath, options = [] }: NonNullable<CdiEdits['mounts']>[number]): Mount {
  const shared = options.includes('rshared') || options.includes('shared');
  const slave = options.includes('rslave') || options.includes('slave');
  return {
    ...{ hostPath, containerPath, readonly: options.includes('ro') },
    ...(shared && { propagation: 'PROPAGATION_BIDIRECTIONAL' }),
    ...(slave && { propagation: 'PROPAGATION_HOST_TO_CONTAINER' }),
  };
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

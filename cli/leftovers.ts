// What a cluster leaves on a machine and how it is told from what belongs to others. Pure: texts of the kernel and of
// programs in, names out. sweep.ts removes what is found here.

export interface ProcessView {
  readonly pid: number;
  readonly parent: number;
  readonly args: readonly string[];
  /** Whether it sees the same files as we do: the same path in another mount namespace is another file. */
  readonly sharesMounts: boolean;
}

export interface ShimTrees {
  readonly shims: number[];
  /** Everything that runs below them. */
  readonly containers: number[];
  readonly sandboxIds: string[];
}

/** The shims of our containerd: one for each sandbox, and named after it. */
export function shimTrees(processes: readonly ProcessView[], socket: string): ShimTrees {
  const isOurs = ({ args, sharesMounts }: ProcessView) =>
    sharesMounts && /(^|\/)containerd-shim[^/]*$/.test(args[0] ?? '') && args[args.indexOf('-address') + 1] === socket;
  const found = processes.filter(isOurs);
  const shims = found.map(({ pid }) => pid);
  const sandboxIds = found.map(({ args }) => args[args.indexOf('-id') + 1] ?? '').filter((id) => id !== '');
  const containers: number[] = [];
  for (let above = shims; above.length > 0; ) {
    above = processes
      .filter(({ pid, parent }) => above.includes(parent) && !containers.includes(pid))
      .map(({ pid }) => pid);
    containers.push(...above);
  }
  return { shims, containers, sandboxIds };
}

/** Mount points strictly below the folders, the last mounted first. A folder that is one itself is the operator's. */
export function mountsBelow(mountinfo: string, folders: readonly string[]): string[] {
  const points = mountinfo.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point === undefined
      ? []
      : [point.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))];
  });
  return points.filter((point) => folders.some((folder) => point.startsWith(`${folder}/`))).reverse();
}

/** `nft list tables` prints `table inet skiff`. */
export function ourTables(list: string): { family: string; name: string }[] {
  const rows = list.split('\n').map((line) => /^table (\S+) (skiff\S*)$/.exec(line.trim()));
  return rows.flatMap((row) => (row ? [{ family: row[1]!, name: row[2]! }] : []));
}

/** `ip -o link show` prints `7: skiff0: <BROADCAST...`, with `@peer` behind the name of some. */
export function ourLinks(list: string): string[] {
  return list.split('\n').flatMap((line) => /^\d+: (skiff[^:@\s]*)/.exec(line)?.[1] ?? []);
}

/** Folders of logs are named `<namespace>_<name>_<uid>`. */
export function logsOf(folders: readonly string[], podUids: ReadonlySet<string>): string[] {
  return folders.filter((folder) => podUids.has(folder.split('_')[2] ?? ''));
}

/**
 * The notes of network plugins that are ours. They are named `<network>-<sandbox>-<interface>`, and tell the path of the
 * sandbox's network namespace, which lies in the folder of the containerd that made it.
 */
export function notesOf(
  notes: readonly { name: string; text: string }[],
  ours: { sandboxIds: readonly string[]; stateDir: string; network: string },
): string[] {
  const sandboxOf = ({ name }: { name: string }) => /-([0-9a-f]{64})-/.exec(name)?.[1] ?? '';
  const emptied = notes.filter(({ name, text }) => name.startsWith(`${ours.network}-`) && !text.includes('{'));
  const ids = new Set([...ours.sandboxIds, ...emptied.map(sandboxOf)]);
  return notes
    .filter((note) => ids.has(sandboxOf(note)) || note.text.includes(`"${ours.stateDir}/`))
    .map(({ name }) => name);
}

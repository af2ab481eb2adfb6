// What an unclean end of the machine leaves behind is cleared up before the first pod starts: sandboxes that the runtime
// remembers and nothing runs in give their network back, and addresses that no sandbox holds are free again (a crash
// leaves notes without an owner, or empty ones, which host-local would count as taken for ever).
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../api/log.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import { LABEL } from './names.ts';

export interface AfterReboot {
  readonly runtime: Pick<RuntimeClient, 'listSandboxes' | 'stopSandbox'>;
  /** Where host-local keeps a file per address that it gave out. */
  readonly addressesDir: string;
  /** Where results of network plugins are kept, as `<network>-<sandbox>-<interface>`. */
  readonly resultsDir: string;
  readonly network: string;
  readonly log: Logger;
}

const AT_ONCE = 4;

/** Returns what it found, for the log. What cannot be cleared is said and left to the pods' workers. */
export async function clearAfterReboot(options: AfterReboot, signal: AbortSignal): Promise<void> {
  const { runtime, addressesDir, resultsDir, network, log } = options;
  const dead = (await runtime.listSandboxes({}, signal)).filter(({ state }) => state !== 'SANDBOX_READY');
  const ours = dead.filter(({ labels }) => labels[LABEL.podUid] !== undefined);
  const left = [...ours];
  const stop = async () => {
    for (let next = left.pop(); next !== undefined && !signal.aborted; next = left.pop()) {
      const { id } = next;
      await runtime.stopSandbox(id, signal).catch((err) => log.warn({ err, sandbox: id }, 'dead sandbox not stopped'));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, stop));
  signal.throwIfAborted();
  const alive = await runtime.listSandboxes({}, signal);
  const keep = new Set(alive.filter(({ state }) => state === 'SANDBOX_READY').map(({ id }) => id));
  const addresses = staleAddresses(await notesIn(addressesDir), keep);
  const results = staleResults(await readdir(resultsDir).catch(() => []), network, keep);
  for (const name of addresses) await rm(join(addressesDir, name), { force: true });
  for (const name of results) await rm(join(resultsDir, name), { force: true });
  log.info(
    { sandboxes: ours.length, addresses: addresses.length, results: results.length },
    'the machine was started anew: what was left of before is cleared up',
  );
}

/** File name (the address) and text (the sandbox, then its interface) of each note. */
export type Notes = ReadonlyMap<string, string>;

export function staleAddresses(notes: Notes, alive: ReadonlySet<string>): string[] {
  const isAddress = (name: string) => /^[0-9a-fA-F.:]+$/.test(name) && /[.:]/.test(name);
  return [...notes].filter(([name, text]) => isAddress(name) && !alive.has(ownerIn(text))).map(([name]) => name);
}

export function staleResults(names: readonly string[], network: string, alive: ReadonlySet<string>): string[] {
  const owner = new RegExp(`^${network}-([0-9a-f]{64})-`);
  return names.filter((name) => {
    const id = owner.exec(name)?.[1];
    return id !== undefined && !alive.has(id);
  });
}

function ownerIn(text: string): string {
  return text.split(/\r?\n/)[0]!.trim();
}

async function notesIn(dir: string): Promise<Notes> {
  const names = await readdir(dir).catch(() => []);
  const texts = names.map(async (name) => [name, await readFile(join(dir, name), 'utf8').catch(() => '')] as const);
  return new Map(await Promise.all(texts));
}

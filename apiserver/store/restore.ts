// A backup becomes a data folder again. Clients may have seen revisions that the backup never had, so the restored
// store starts far ahead of anything seen, all of it compacted: every watch has to list anew, none goes on silently.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EmbeddedDb } from './embedded-db.ts';
import { syncFolder } from './embedded-file.ts';

const JUMP = 1_000_000_000;

/** `to` is the database file of a server that does not run; it must not exist. Returns the revision it begins at. */
export function restoreBackup(from: string, to: string): number {
  if (!existsSync(from)) throw new Error(`there is no backup at ${from}`);
  if (existsSync(to)) throw new Error(`${to} exists: move it away before restoring, nothing is overwritten`);
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const draft = `${to}.restoring`;
  try {
    copyFileSync(from, draft);
    chmodSync(draft, 0o600);
    checkBackup(draft, from);
    const revision = jumpAhead(draft);
    renameSync(draft, to);
    syncFolder(dirname(to));
    return revision;
  } finally {
    for (const left of [draft, `${draft}-wal`, `${draft}-shm`]) rmSync(left, { force: true });
  }
}

function jumpAhead(path: string): number {
  const db = new EmbeddedDb({ path });
  db.jumpAhead(JUMP);
  const { revision } = db;
  db.close();
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
  return revision;
}

function checkBackup(path: string, named: string): void {
  let problem: string | undefined;
  try {
    const db = new DatabaseSync(path);
    const format = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
    const found = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (format === 0) problem = 'it holds no store';
    else if (found !== 'ok') problem = String(found);
    db.close();
  } catch (cause) {
    throw new Error(`${named} cannot be restored: it is not a backup of a store`, { cause });
  }
  if (problem !== undefined) throw new Error(`${named} cannot be restored: ${problem}`);
}

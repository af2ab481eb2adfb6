// A program of its own, on a node: mounts parts of a volume while another process keeps swapping a folder of it with a
// link that leads out, as a hostile container would. Prints how often it was mounted, refused, and led out.
// Arguments: a folder to work in, how many times.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { unmount } from '../../../agent/volumes/mounts.ts';
import { mountSubPath } from '../../../agent/volumes/sub-path.ts';

const [dir = '', times] = process.argv.slice(2);
const [volume, outside] = [`${dir}/volume`, `${dir}/outside`];
mkdirSync(`${volume}/a/in`, { recursive: true });
mkdirSync(`${outside}/in`, { recursive: true });
for (const place of [outside, `${outside}/in`]) writeFileSync(`${place}/secret`, 'secret');
symlinkSync(outside, `${volume}/b`);

// A folder `a` that is a link now and then. What the victim makes in between is swept away.
const swap = `const { mkdirSync, renameSync, rmSync, symlinkSync } = require('node:fs');
const attempt = (work) => { try { work(); return true; } catch { return false; } };
const move = (from, to) =>
  attempt(() => renameSync(from, to)) ||
  (attempt(() => rmSync(to, { recursive: true, force: true })) && attempt(() => renameSync(from, to)));
for (;;) {
  move('a', 't'); move('b', 'a'); move('a', 'b'); move('t', 'a');
  attempt(() => mkdirSync('a/in', { recursive: true }));
  attempt(() => symlinkSync('${outside}', 'b'));
}`;
const attacker = spawn(process.execPath, ['-e', swap], { cwd: volume, stdio: 'ignore' });
const counts = { mounted: 0, refused: 0, escaped: 0, made: 0 };
const never = new AbortController().signal;
for (let at = 0; at < Number(times); at++) {
  const subPath = ['a', 'a/in', `a/in/new-${at}`][at % 3]!;
  try {
    const target = await mountSubPath({ volume, subPath, target: `${dir}/targets/${at}` }, never);
    counts.mounted++;
    if (readdirSync(target).includes('secret')) counts.escaped++;
    await unmount(target, never);
  } catch {
    counts.refused++;
  }
}
if (attacker.exitCode !== null) throw new Error('the attacker gave up');
attacker.kill('SIGKILL');
counts.made = readdirSync(`${outside}/in`).length - 1;
process.stdout.write(JSON.stringify(counts));

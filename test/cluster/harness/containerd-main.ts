// Runs inside a test node: starts containerd as `skiff up` does, imports the images of the archives it is given, says
// so in one line of JSON on stdout, and ends it on SIGTERM. Arguments: image archives. CONTAINERD_OPTIONS, as JSON,
// stands before the defaults.
import { once } from 'node:events';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { type ContainerdOptions, defaultContainerdOptions, startContainerd } from '../../../cli/containerd.ts';
import { importArchive, importPauseImage } from '../../../cli/oci-import.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const opts: ContainerdOptions = {
  ...defaultContainerdOptions({ dataDir: '/var/lib/skiff', runDir: '/run/skiff', configDir: '/etc/skiff' }),
  ...JSON.parse(process.env['CONTAINERD_OPTIONS'] ?? '{}'),
};

try {
  await using containerd = await startContainerd(opts, { clock: systemClock, log: silent }, stop.signal);
  await importPauseImage(opts.sandboxImage, containerd, stop.signal);
  for (const file of process.argv.slice(2)) await importArchive(file, containerd, stop.signal);
  const { pid, adopted, version, snapshotter } = containerd;
  process.stdout.write(`${JSON.stringify({ pid, adopted, version, snapshotter })}\n`);
  // A listener does not keep the process alive, its stdin does.
  process.stdin.resume();
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
} catch (err) {
  process.stderr.write(`${err instanceof Error ? err.message : err}\n`);
  process.exitCode = 1;
}
process.exit();

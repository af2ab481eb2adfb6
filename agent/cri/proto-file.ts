// Where the protocol files are: beside the checkout's agent/ folder, or beside the bundle that was made of it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function protoFile(name: string): string {
  const places = ['../../proto/', './proto/', '../proto/'].map((at) =>
    fileURLToPath(new URL(at + name, import.meta.url)),
  );
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`the protocol file ${name} is missing: looked at ${places.join(', ')}`);
  return found;
}

// The protocol files, read once per process whoever speaks them: what is made of cri.proto takes more memory than a
// node's pods.
import type { PackageDefinition } from '@grpc/proto-loader';

const read = new Map<string, Promise<PackageDefinition>>();

/** `file` is the path of a file of proto/. */
export function protocol(file: string): Promise<PackageDefinition> {
  const known = read.get(file) ?? load(file);
  read.set(file, known);
  return known;
}

async function load(file: string): Promise<PackageDefinition> {
  const loader = await import('@grpc/proto-loader');
  // 64-bit numbers as strings: nanoseconds do not fit a double.
  return loader.load(file, { longs: String, enums: String, defaults: true });
}

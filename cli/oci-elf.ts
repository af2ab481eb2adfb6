// Whether a program can be an image by itself: one that needs an interpreter (the dynamic loader) would end in "no such
// file or directory" inside of it.

const ELF64_LITTLE_ENDIAN = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
const PT_INTERP = 3;

/** True for a 64-bit ELF program without PT_INTERP among its program headers. */
export function isStaticProgram(file: Buffer): boolean {
  if (file.length < 64 || !file.subarray(0, 6).equals(ELF64_LITTLE_ENDIAN)) return false;
  const at = Number(file.readBigUInt64LE(32));
  const [size, count] = [file.readUInt16LE(54), file.readUInt16LE(56)];
  if (count === 0 || at + size * count > file.length) return false;
  const types = Array.from({ length: count }, (_, i) => file.readUInt32LE(at + i * size));
  return !types.includes(PT_INTERP);
}

// The order of versions in discovery: v2, v1, v2beta1, v1beta2, v1alpha1, then everything else by name.

const SHAPE = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;
const STAGES = ['alpha', 'beta', undefined];

/** The preferred one first. */
export function byVersion(a: string, b: string): number {
  const [x, y] = [rankOf(a), rankOf(b)];
  if (x === undefined || y === undefined) {
    if (x !== undefined || y !== undefined) return x === undefined ? 1 : -1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  for (const [i, own] of x.entries()) if (own !== y[i]) return y[i]! - own;
  return 0;
}

function rankOf(version: string): number[] | undefined {
  const found = SHAPE.exec(version);
  if (found === null) return undefined;
  return [STAGES.indexOf(found[2]), Number(found[1]), Number(found[3] ?? 0)];
}

// Quantities as the numbers Linux wants: bytes, cores, counts. Exact enough for limits; whoever compares or adds
// quantities for the API does it exactly elsewhere.
const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

export function amountOf(quantity: string | number): number {
  const match = /^([+-]?[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(String(quantity));
  const factor = match === null ? undefined : SUFFIXES[match[2]!];
  const number = Number(match?.[1] || Number.NaN);
  if (factor === undefined || Number.isNaN(number)) throw new Error(`not a quantity: ${quantity}`);
  return number * factor;
}

export function milli(quantity: string | number): number {
  return Math.ceil(amountOf(quantity) * 1_000 - 1e-6);
}

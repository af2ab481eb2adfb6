// What a certificate may be used for, by the names that signing requests use: bits of the key usage (RFC 5280, 4.2.1.3)
// and purposes (4.2.1.12).

const KEY_BITS: Readonly<Record<string, number>> = {
  signing: 0,
  'digital signature': 0,
  'content commitment': 1,
  'key encipherment': 2,
  'data encipherment': 3,
  'key agreement': 4,
  'cert sign': 5,
  'crl sign': 6,
  'encipher only': 7,
  'decipher only': 8,
};

const PURPOSES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

export interface UsageParts {
  readonly bits: readonly number[];
  readonly purposes: readonly string[];
}

/** Throws a TypeError for a usage that nobody knows. */
export function partsOfUsages(usages: readonly string[]): UsageParts {
  const unknown = usages.find((usage) => KEY_BITS[usage] === undefined && PURPOSES[usage] === undefined);
  if (unknown !== undefined) throw new TypeError(`unrecognized usage: ${unknown}`);
  const distinct = <T>(table: Readonly<Record<string, T>>) => [
    ...new Set(usages.map((usage) => table[usage]).filter((found) => found !== undefined)),
  ];
  return { bits: distinct(KEY_BITS).sort((a, b) => a - b), purposes: distinct(PURPOSES) };
}

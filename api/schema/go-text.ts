// Values as Go prints them into the texts of errors.
import { isBigNumber } from './json-value.ts';

/** %v of a float64: the shortest digits, with an exponent below 1e-4 and from a million on. */
export function goFloat(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e-4 && size < 1e6) return String(value);
  const [digits = '', power = '0'] = value.toExponential().split('e');
  return `${digits}e${power.startsWith('-') ? '-' : '+'}${power.replace(/^[-+]/, '').padStart(2, '0')}`;
}

/** As `Invalid value: …` shows it: texts quoted, whole numbers plain, structures as JSON. */
export function goValue(value: unknown): string {
  if (isBigNumber(value)) return value.rawJSON;
  if (typeof value === 'number' && !Number.isInteger(value)) return goFloat(value);
  return value === undefined ? 'null' : JSON.stringify(value);
}

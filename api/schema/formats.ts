// Formats that a definition may ask of a text, as upstream checks them. A format that is not known holds for any text.
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { parseDuration } from './go-duration.ts';
import { canonicalTime } from './go-time.ts';

type Check = (text: string) => boolean;

const holds = (parse: (text: string) => unknown): Check => {
  return (text) => {
    try {
      parse(text);
      return true;
    } catch {
      return false;
    }
  };
};
const like =
  (pattern: RegExp): Check =>
  (text) =>
    pattern.test(text);
const uuid = (version: string): Check =>
  like(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i'));

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  return isIPv4(address) ? Number(bits) <= 32 : isIPv6(address) && Number(bits) <= 128;
}

const DAYS = /^(\d{4})-(\d{2})-(\d{2})$/;
function isDate(text: string): boolean {
  return DAYS.test(text) && holds(canonicalTime)(`${text}T00:00:00Z`);
}

const FORMATS = new Map<string, Check>([
  ['date', isDate],
  ['date-time', holds((text) => canonicalTime(text.replace(' ', 'T').toUpperCase()))],
  ['datetime', holds((text) => canonicalTime(text.replace(' ', 'T').toUpperCase()))],
  ['duration', holds(parseDuration)],
  ['byte', like(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)],
  ['ipv4', isIPv4],
  ['ipv6', isIPv6],
  ['ip', (text) => isIP(text) !== 0],
  ['cidr', isCidr],
  ['mac', like(/^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i)],
  ['email', like(/^[^\s@<>]+@[^\s@<>]+$/)],
  ['uri', like(/^[a-z][a-z0-9+.-]*:\S*$|^\/\S*$/i)],
  [
    'hostname',
    like(/^(?=.{1,255}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\.?$/i),
  ],
  ['uuid', uuid('[0-9a-f]{4}')],
  ['uuid3', uuid('3[0-9a-f]{3}')],
  ['uuid4', uuid('4[0-9a-f]{3}')],
  ['uuid5', uuid('5[0-9a-f]{3}')],
  ['hexcolor', like(/^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i)],
  ['rgbcolor', like(/^rgb\(\s*(?:\d{1,3}\s*,\s*){2}\d{1,3}\s*\)$/)],
  ['bsonobjectid', like(/^[0-9a-f]{24}$/i)],
  ['ssn', like(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/)],
  ['k8s-short-name', like(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/)],
  ['k8s-long-name', like(/^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/)],
]);

export function isOfFormat(format: string, text: string): boolean {
  return FORMATS.get(format)?.(text) ?? true;
}

export function isKnownFormat(format: string): boolean {
  return (
    FORMATS.has(format) || ['int32', 'int64', 'float', 'double', 'password', 'isbn', 'creditcard'].includes(format)
  );
}

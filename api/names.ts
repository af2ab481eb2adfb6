// What names, labels and keys may look like. Every check returns the messages of what is wrong, in upstream's words,
// which are part of the interface; an empty list means that all is well.

type Check = (value: string) => readonly string[];

/** Most names are good, and every write brings dozens: of them nothing is made. */
const GOOD: readonly string[] = [];

function shape(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

function tooLong(max: number, unit = 'characters'): string {
  return `must be no more than ${max} ${unit}`;
}

/** `must … (e.g. 'a',  or 'b', regex used for validation is '…')`, double blank included. */
function mustMatch(says: string, pattern: string, ...examples: string[]): string {
  const such = examples.map((example) => `'${example}', `).join(' or ');
  return examples.length === 0
    ? `${says} (regex used for validation is '${pattern}')`
    : `${says} (e.g. ${such}regex used for validation is '${pattern}')`;
}

function byShape(max: number, pattern: string, says: string, ...examples: string[]): Check {
  const regexp = shape(pattern);
  const message = mustMatch(says, pattern, ...examples);
  return (value) => {
    const isLong = value.length > max;
    if (!isLong && regexp.test(value)) return GOOD;
    return [...(isLong ? [tooLong(max)] : []), ...(regexp.test(value) ? [] : [message])];
  };
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const UNDERSCORED = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

const DNS_LABEL: Check = byShape(
  63,
  LABEL,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  'my-name',
  '123-abc',
);

const SUBDOMAIN_SHAPE = shape(SUBDOMAIN);

/** What would do as a subdomain has dots too many. */
export function dns1123Label(value: string): readonly string[] {
  const problems = DNS_LABEL(value);
  if (problems.length === 0 || !value.includes('.') || !SUBDOMAIN_SHAPE.test(value)) return problems;
  return [...problems.slice(0, -1), 'must not contain dots'];
}

export const dns1123Subdomain: Check = byShape(
  253,
  SUBDOMAIN,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);

export const dns1123SubdomainWithUnderscore: Check = byShape(
  253,
  `${UNDERSCORED}(\\.${UNDERSCORED})*`,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);

export const dns1035Label: Check = byShape(
  63,
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  'my-name',
  'abc-123',
);

export const wildcardDns1123Subdomain: Check = byShape(
  253,
  `\\*\\.${SUBDOMAIN}`,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  '*.example.com',
);

export const httpHeaderName: Check = byShape(
  Number.POSITIVE_INFINITY,
  '[-A-Za-z0-9]+',
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  'X-Header-Name',
);

export const cIdentifier: Check = byShape(
  Number.POSITIVE_INFINITY,
  '[A-Za-z_][A-Za-z0-9_]*',
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  'my_name',
  'MY_NAME',
  'MyName',
);

export const percentage: Check = byShape(
  Number.POSITIVE_INFINITY,
  '[0-9]+%',
  "a valid percent string must be a numeric string followed by an ending '%'",
  '1%',
  '93%',
);

const QUALIFIED_SHAPE = shape(QUALIFIED);
const QUALIFIED_SAYS =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const QUALIFIED_MESSAGE = mustMatch(QUALIFIED_SAYS, QUALIFIED, 'MyName', 'my.name', '123-abc');

/** `name` or `example.com/name`: keys of labels, annotations, resources, taints. */
export function qualifiedName(value: string): readonly string[] {
  const slash = value.indexOf('/');
  if (slash < 0 && value.length <= 63 && QUALIFIED_SHAPE.test(value)) return GOOD;
  const parts = value.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${QUALIFIED_MESSAGE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems: string[] = [];
  const name = parts.at(-1)!;
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === '') problems.push('prefix part must be non-empty');
  else if (prefix !== undefined) problems.push(...dns1123Subdomain(prefix).map((message) => `prefix part ${message}`));
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > 63) problems.push(`name part ${tooLong(63, 'bytes')}`);
  if (!QUALIFIED_SHAPE.test(name)) problems.push(`name part ${QUALIFIED_MESSAGE}`);
  return problems.length === 0 ? GOOD : problems;
}

const LABEL_VALUE = `(${QUALIFIED})?`;
const LABEL_VALUE_SHAPE = shape(LABEL_VALUE);
const LABEL_VALUE_MESSAGE = mustMatch(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  LABEL_VALUE,
  'MyValue',
  'my_value',
  '12345',
);

export function labelValue(value: string): readonly string[] {
  // What has the shape is ASCII: as many bytes as letters.
  if (value.length <= 63 && LABEL_VALUE_SHAPE.test(value)) return GOOD;
  return [
    ...(Buffer.byteLength(value) > 63 ? [tooLong(63, 'bytes')] : []),
    ...(LABEL_VALUE_SHAPE.test(value) ? [] : [LABEL_VALUE_MESSAGE]),
  ];
}

/** A file of this name must not lead out of its folder. */
function pathStep(value: string): string[] {
  if (value === '.' || value === '..') return [`must not be '${value}'`];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

const CONFIG_KEY = byShape(
  253,
  '[-._a-zA-Z0-9]+',
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  'key.name',
  'KEY_NAME',
  'key-name',
);

/** Keys of config maps and secrets. */
export function configMapKey(value: string): readonly string[] {
  return [...CONFIG_KEY(value), ...pathStep(value)];
}

const PRINTABLE = /^[ -<>-~]+$/;

/** Anything printable but '=': what a process can be given. */
export function envVarName(value: string): readonly string[] {
  if (value === '') return ['environment variable name must not be empty'];
  return PRINTABLE.test(value)
    ? GOOD
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function portNumber(port: number): readonly string[] {
  return inRange(port, 1, 65535);
}

export function inRange(value: number, min: number, max: number): readonly string[] {
  return value >= min && value <= max ? GOOD : [`must be between ${min} and ${max}, inclusive`];
}

/** IANA service names: `http`, `metrics-2`. */
export function portName(value: string): string[] {
  const problems: string[] = [];
  if (value.length > 15) problems.push(tooLong(15));
  if (!/^[-a-z0-9]+$/.test(value))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) problems.push('must contain at least one letter (a-z)');
  if (value.includes('--')) problems.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
}

const PATH_PATTERN = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const PATH_SHAPE = shape(PATH_PATTERN);

/** `acme.io/foo`. */
export function domainPrefixedPath(value: string): readonly string[] {
  const at = value.indexOf('/');
  if (at <= 0 || at === value.length - 1) return ['must be a domain-prefixed path (such as "acme.io/foo")'];
  const host = dns1123Subdomain(value.slice(0, at));
  if (host.length > 0) return host;
  return PATH_SHAPE.test(value.slice(at + 1)) ? [] : [mustMatch('Invalid path', PATH_PATTERN)];
}

/** `a.example.com`: at least three segments. */
export function fullyQualifiedName(value: string): readonly string[] {
  const problems = dns1123Subdomain(value);
  if (problems.length > 0) return problems;
  return value.split('.').length < 3 ? ['should be a domain with at least three segments separated by dots'] : [];
}

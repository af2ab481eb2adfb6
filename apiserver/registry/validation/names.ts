// How names are spelled. Each function says what is wrong with a text, in upstream's wording; an empty list is fine.

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1123 = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_1123 = new RegExp(`^${SUBDOMAIN}$`);
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const tooLong = (max: number) => `must be no more than ${max} bytes`;
const bytesOf = (text: string) => Buffer.byteLength(text);

/** A name that will get a suffix may end with what a name may not end with. */
const masked = (text: string, prefix: boolean) => (prefix && text.endsWith('-') ? `${text.slice(0, -1)}a` : text);

const LABEL_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with " +
  `an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
  `end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
const LABEL_1035_WORDS =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, " +
  "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is " +
  "'[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED_WORDS =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_WORDS =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

export function dnsLabel(text: string, prefix = false): string[] {
  return spelled(masked(text, prefix), 63, LABEL_1123, LABEL_WORDS);
}

export function dnsSubdomain(text: string, prefix = false): string[] {
  return spelled(masked(text, prefix), 253, SUBDOMAIN_1123, SUBDOMAIN_WORDS);
}

export function dns1035Label(text: string, prefix = false): string[] {
  return spelled(masked(text, prefix), 63, LABEL_1035, LABEL_1035_WORDS);
}

export function labelValue(text: string): string[] {
  return spelled(text, 63, LABEL_VALUE, LABEL_VALUE_WORDS);
}

function spelled(text: string, max: number, pattern: RegExp, words: string): string[] {
  const wrong: string[] = [];
  if (bytesOf(text) > max) wrong.push(tooLong(max));
  if (!pattern.test(text)) wrong.push(words);
  return wrong;
}

/** [prefix/]name: keys of labels and annotations, finalizers, condition types. */
export function qualifiedName(text: string): string[] {
  const parts = text.split('/');
  const name = parts.at(-1)!;
  const wrong: string[] = [];
  if (parts.length > 2) {
    return [
      "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
        "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
        "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ];
  }
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === '') wrong.push('prefix part must be non-empty');
    else wrong.push(...dnsSubdomain(prefix).map((why) => `prefix part ${why}`));
  }
  if (name === '') wrong.push('name part must be non-empty');
  else if (bytesOf(name) > 63) wrong.push('name part must be no more than 63 bytes');
  if (!QUALIFIED.test(name)) wrong.push(QUALIFIED_WORDS);
  return wrong;
}

/** Names of roles and other things that only have to be one segment of a path. */
export function pathSegment(text: string, prefix = false): string[] {
  if (!prefix && (text === '.' || text === '..')) return [`may not be '${text}'`];
  return ['/', '%'].filter((letter) => text.includes(letter)).map((letter) => `may not contain '${letter}'`);
}

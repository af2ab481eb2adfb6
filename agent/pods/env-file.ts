// Variables in a file that another container of the pod has written (fileKeyRef): NAME='value', the value as it stands
// between single quotes, over several lines if it likes. Stricter than a shell, as upstream is: what it does not
// understand is an error and not a guess. Pure.
import { ConfigError } from './env.ts';

/** Undefined where the file does not name the key. */
export function valueIn(text: string, key: string): string | undefined {
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.replace(/^[ \t]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const fail = (why: string) => new ConfigError(`invalid environment variable format at line ${at + 1}: ${why}`);
    const equals = line.indexOf('=');
    if (equals < 0) throw fail("missing '='");
    const name = line.slice(0, equals);
    if (name === '') throw fail('empty variable name');
    if (/\s$/.test(name)) throw fail("whitespace before '=' is not allowed");
    let rest = line.slice(equals + 1);
    if (/^[ \t]/.test(rest) || rest === '\r') {
      if (name === key) return ''; // as a shell reads it: the value ends before the blank
      continue;
    }
    if (!rest.startsWith("'")) throw fail('value must be enclosed in single quotes');
    rest = rest.slice(1);
    const begun = fail('unclosed single quote');
    let value = '';
    for (let end = rest.indexOf("'"); end < 0; end = rest.indexOf("'")) {
      value += `${rest}\n`;
      const next = lines[++at];
      if (next === undefined) throw begun;
      rest = next;
    }
    const end = rest.indexOf("'");
    const after = rest.slice(end + 1).trim();
    if (after !== '' && !after.startsWith('#')) throw fail('unexpected content after closing quote');
    if (name === key) return value + rest.slice(0, end);
  }
  return undefined;
}

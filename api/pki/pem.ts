// PEM (RFC 7468): bytes as text between two marks.

export function toPem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The first block with this label. */
export function fromPem(label: string, text: string): Buffer {
  const begin = `-----BEGIN ${label}-----`;
  const from = text.indexOf(begin);
  const to = text.indexOf(`-----END ${label}-----`, from);
  if (from < 0 || to < 0) throw new TypeError(`no PEM block of type "${label}"`);
  return Buffer.from(text.slice(from + begin.length, to), 'base64');
}

// What goes wrong with a request, as the client is told: a code and one line of text, in upstream's words where
// upstream has some. Thrown where it is known, written in one place (answer.ts).

export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: number, text: string, headers: Readonly<Record<string, string>> = {}, options?: ErrorOptions) {
    super(text, options);
    this.code = code;
    this.headers = headers;
  }
}

/** Go writes names in quotes: `"web"`. */
export const quoted = (text: string): string => JSON.stringify(text);

// $(NAME) in commands, arguments and values: replaced where the name is known, left alone where it is not. $$ is a
// dollar sign, so $$(NAME) stays $(NAME).
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0 || dollar === text.length - 1) break;
    out += text.slice(at, dollar);
    const after = text[dollar + 1];
    if (after === '$') {
      out += '$';
      at = dollar + 2;
      continue;
    }
    const end = after === '(' ? text.indexOf(')', dollar + 2) : -1;
    if (end < 0) {
      // Not a reference: both characters are what they are.
      out += text.slice(dollar, dollar + 2);
      at = dollar + 2;
      continue;
    }
    const name = text.slice(dollar + 2, end);
    out += lookUp(name) ?? text.slice(dollar, end + 1);
    at = end + 1;
  }
  return out + text.slice(at);
}

// The logger as rooms see it: pino's shape, narrowed to what we use. A child says who, the message is constant,
// the rest is fields. log-pino.ts makes the real one; tests hand in `silent`.

export interface Logger {
  child(fields: Record<string, unknown>): Logger;
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

const nothing = () => {};
export const silent: Logger = { child: () => silent, debug: nothing, info: nothing, warn: nothing, error: nothing };

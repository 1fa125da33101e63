import { randomUUID } from 'node:crypto';

type Fields = Record<string, string | number | boolean | null | undefined>;

function write(level: 'info' | 'warn' | 'error', event: string, fields: Fields = {}) {
  const line = JSON.stringify({ at: new Date().toISOString(), level, event, ...fields });
  process.stderr.write(`${line}\n`);
}

/** One JSON object a line, on standard error. Never pass secrets, tokens, passwords or letter bodies. */
export const log = {
  info: (event: string, fields?: Fields) => write('info', event, fields),
  warn: (event: string, fields?: Fields) => write('warn', event, fields),
  /** Logs a surprise once, at the edge, and returns the id shown to the reader. */
  surprise(event: string, error: unknown, fields?: Fields): string {
    const id = randomUUID().slice(0, 8);
    const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
    // What the database said stands one level deeper than what was asked of it.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined;
    write('error', event, { id, message, cause, stack, ...fields });
    return id;
  },
};

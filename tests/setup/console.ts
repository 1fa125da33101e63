import { format } from 'node:util';
import { afterEach, beforeEach, vi } from 'vitest';

/** What would have been an error in somebody's log is a failed test. One that expects it spies on `console.error` itself. */
let errors: string[] = [];

beforeEach(() => {
  errors = [];
  vi.spyOn(console, 'error').mockImplementation((...args: unknown[]) => {
    errors.push(format(...args));
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  const said = errors;
  errors = [];
  if (said.length > 0) throw new Error(`console.error was called:\n${said.join('\n')}`);
});

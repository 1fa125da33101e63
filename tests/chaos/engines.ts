import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..', '..');
const commandLine = path.join(root, 'lib', 'cli', 'main.ts');

/** The ways an engine runs: a cron call of the command line, the worker, and a process whose ticks overlap. */
export const engineKinds = ['send-due', 'work', 'overlapping'] as const;
export type EngineKind = (typeof engineKinds)[number];

/** A process of ours, by its very pid: nothing stands between us and it. */
export type Engine = {
  kind: EngineKind;
  /** Passes that may be under way in it at once; each has a record window of its own. */
  passes: number;
  isAlive(): boolean;
  kill(): void;
  freeze(): void;
  wake(): void;
  /** Asks it to end what it has begun and stop. */
  ask(): void;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** The last of what it said on standard error. */
  said(): string;
};

/** What a child of ours gets to see of this machine, with the settings given. */
function environment(settings: Record<string, string>): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, USER } = process.env;
  return { PATH, HOME, TMPDIR, USER, NODE_ENV: 'production', ...unset, ...settings };
}

/** Empty counts as unset, and an `.env.local` of this machine then does not speak for them. */
const unset = Object.fromEntries(
  [
    ...[
      'SEND_PER_SECOND',
      'SEND_PER_DAY',
      'SEND_TRIES_MAX',
      'SEND_RETRY_BASE_SECONDS',
      'SMTP_TIMEOUT_SECONDS',
    ],
    ...[
      'SMTP_URL',
      'SMTP_HOST',
      'SMTP_PORT',
      'SMTP_USER',
      'SMTP_PASSWORD',
      'RESEND_API_KEY',
      'RESEND_BASE_URL',
    ],
  ].map((name) => [name, '']),
);

/** Starts an engine. A `send-due` has `budgetSeconds` for its pass. */
export function startEngine(
  kind: EngineKind,
  settings: Record<string, string>,
  { budgetSeconds = 50 }: { budgetSeconds?: number } = {},
): Engine {
  const args = {
    'send-due': [commandLine, 'send-due', '--json', '--budget-seconds', String(budgetSeconds)],
    work: [commandLine, 'work'],
    overlapping: [path.join(import.meta.dirname, 'engine-child.ts')],
  }[kind];
  const { child, ended, said } = start(args, settings);
  const signal = (name: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(name);
  };
  return {
    kind,
    passes: kind === 'overlapping' ? 2 : 1,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    kill: () => signal('SIGKILL'),
    freeze: () => signal('SIGSTOP'),
    wake: () => signal('SIGCONT'),
    ask: () => signal('SIGTERM'),
    ended,
    said,
  };
}

/** Runs a command of the command line to its end and answers what it printed. */
export async function command(settings: Record<string, string>, ...words: string[]): Promise<unknown> {
  const { child, ended, said } = start([commandLine, ...words, '--json'], settings);
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const { code } = await ended;
  if (code !== 0) throw new Error(`mailroom ${words.join(' ')} ended with ${code}: ${said()}`);
  return JSON.parse(printed);
}

/** Those that live: none may outlive us, whatever ends us. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** A child of node with TypeScript; its standard error is kept. `ended` comes when its output is read to the end. */
export function start(args: string[], settings: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', ...args], {
    cwd: root,
    env: environment(settings),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    text = (text + part).slice(-6000);
  });
  child.stdout?.resume();
  // A killed child may leave us writing to it.
  child.stdin?.on('error', () => {});
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, ended, said: () => text };
}

import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '@/lib/clock';
import { createTransport } from '@/lib/email/transport';
import { findProgress, type Hold, type Progress } from '@/lib/runs/queries';
import { type PaceSample, paceOf, secondsLeft, triedOf, withSample } from '@/lib/runs/schema';
import { type Pass, type PassCounts, sendDueMailings } from '@/lib/sending/engine';
import { commandLine } from './actors';
import { CommandFailed, lettersText, loadSentences, note, type OutputOptions, print } from './output';
import { untilInterrupted } from './setup';

/** A pass of the command line ends at least this often, to look at what others did. */
const passMs = 10_000;

/**
 * One pass. When its server goes away, the driver of the database fails the query under way, or, at the wrong moment, throws outside of
 * any, and the pass may then wait for ever: it is given up, like that of a killed process.
 */
async function sendPass(pass: Omit<Pass, 'clock' | 'kind'>): Promise<PassCounts> {
  let onCrash: (error: Error) => void = () => {};
  const crashed = new Promise<never>((_, reject) => {
    onCrash = (error) => reject(brokenOff(error));
  });
  process.on('uncaughtException', onCrash);
  try {
    return await Promise.race([sendDueMailings({ ...pass, clock: systemClock, kind: 'cli' }), crashed]);
  } catch (error) {
    const lost = lostConnection(error);
    throw lost ? brokenOff(lost) : error;
  } finally {
    process.off('uncaughtException', onCrash);
  }
}

function brokenOff({ message }: Error): CommandFailed {
  return new CommandFailed(
    `The connection to the database broke in the middle of the pass (${message}). What was taken and not yet sent goes on when its lease is over; \`mailroom send-due\` again, or the next call, does that.`,
  );
}

/** What the driver, the system or a database that shuts down calls a connection that was there and is not any more; else null. */
function lostConnection(error: unknown): Error | null {
  for (let current = error; current instanceof Error; current = current.cause)
    if (
      'code' in current &&
      /^(CONNECTION_(CLOSED|ENDED|DESTROYED)|ECONNRESET|EPIPE|57P0[123])$/.test(String(current.code))
    )
      return current;
  return null;
}

/** One pass with a time budget; prints its counts. */
export async function sendDue(options: OutputOptions & { budgetSeconds: number }): Promise<void> {
  const transport = createTransport();
  const counts = await sendPass({
    deadline: new Date(Date.now() + options.budgetSeconds * 1000),
    transport,
    signal: untilInterrupted(),
  });
  await transport.close();
  print(counts, options);
}

/**
 * Sends until the run has nothing left but retries. Other engines may be at work on the same run: what they have taken is waited
 * for. Fails when something holds the run: a pause, a disable, a block, a sender in trouble.
 */
export async function sendRun(
  { mailingId, runId }: { mailingId: number; runId: number },
  options: OutputOptions,
): Promise<void> {
  const transport = createTransport();
  const signal = untilInterrupted();
  const look = async () => {
    const [run] = (await findProgress(commandLine, { mailingId, runId }))?.runs ?? [];
    if (!run) throw new CommandFailed('The run is gone.');
    return run;
  };
  const watch = watchRun(look);
  try {
    for (;;) {
      const pass = await sendPass({ deadline: new Date(Date.now() + passMs), transport, signal });
      const run = await look();
      const { counts, hold } = run;
      const answer = { id: mailingId, runId, status: run.status, counts };
      if (!run.isOpen || signal.aborted) {
        watch.end(run);
        print(answer, options, () => [summary(counts)]);
        if (run.isOpen) throw new CommandFailed('Interrupted. The rest stays queued; the next pass goes on.');
        return;
      }
      if (counts.sending === 0) {
        const reason = hold && (await heldBy(hold));
        if (reason) {
          watch.end(run);
          throw new CommandFailed(reason, answer);
        }
        if (hold?.kind === 'retries') {
          watch.end(run);
          note(
            `${lettersText(counts.queued)} refused for now and tried again later by the worker, by cron or by send-due; the first at ${hold.next.toISOString()}.`,
          );
          print(answer, options, () => [summary(counts)]);
          return;
        }
      }
      // What is in flight, here or elsewhere, comes back soon; so does what a pass could not take.
      await pause(pass.claimed > 0 && counts.sending === 0 ? 50 : 300);
    }
  } finally {
    watch.end();
    await transport.close();
  }
}

const number = (value: number) => value.toLocaleString('en-GB');

/** Why nothing of a run may leave, as a sentence; null when it may. */
async function heldBy(hold: Hold): Promise<string | null> {
  switch (hold.kind) {
    case 'waiting': {
      const { code, server, response, until } = hold.wait;
      const sentence = await loadSentences('transport');
      const reason = sentence(code, { server: server ?? 'The mail server' });
      const words = response ? ` It said: ${response}` : '';
      const after = hold.endsAs === 'failed' ? 'ends as failed' : 'expires';
      return `${reason}${words} The next try is at ${until.toISOString()}; what has not left by ${hold.givesUpAt.toISOString()} ${after}.`;
    }
    case 'paused':
      return 'The run is paused.';
    case 'disabled':
      return 'The mailing has been disabled by a manager.';
    case 'blocked':
      return 'The account of its owner is blocked.';
    default:
      return null;
  }
}

function summary(counts: Progress['counts']): string {
  return Object.entries(counts)
    .filter(([name, value]) => name === 'total' || value > 0)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/**
 * Live progress on standard error: one line that is rewritten on a terminal, one now and then elsewhere. Asks the database by itself,
 * so that it also tells what other engines send.
 */
function watchRun(look: () => Promise<Progress>): { end: (last?: Progress) => void } {
  const isTerminal = process.stderr.isTTY === true;
  const everyMs = isTerminal ? 500 : 2000;
  let samples: PaceSample[] = [];
  let said = '';
  let isEnded = false;
  const show = (run: Progress) => {
    samples = withSample(samples, { atMs: performance.now(), tried: triedOf(run.counts) });
    const line = progressText(run.counts, paceOf(samples));
    if (isTerminal) process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    else if (line !== said) process.stderr.write(`${line}\n`);
    said = line;
  };
  const timer = setInterval(() => {
    look()
      .then((run) => {
        if (!isEnded) show(run);
      })
      // The pass beside it says what is wrong with the database.
      .catch(() => {});
  }, everyMs);
  return {
    end(last) {
      if (isEnded) return;
      isEnded = true;
      clearInterval(timer);
      if (last && said) show(last);
      if (isTerminal && said) process.stderr.write('\n');
    },
  };
}

function progressText(counts: Progress['counts'], pace: number | null): string {
  const done = counts.total - counts.queued - counts.sending;
  const parts = [`${number(done)} of ${number(counts.total)} done`];
  if (counts.failed > 0) parts.push(`${number(counts.failed)} failed`);
  if (counts.unknown > 0) parts.push(`${number(counts.unknown)} unknown`);
  if (pace !== null) parts.push(paceText(pace));
  const left = secondsLeft(counts, pace);
  if (left !== null && left > 0) parts.push(`about ${durationText(left)} left`);
  return parts.join(', ');
}

function paceText(pace: number): string {
  if (pace < 1) return `${Math.round(pace * 60)} a minute`;
  return `${number(pace < 9.5 ? Math.round(pace * 10) / 10 : Math.round(pace))} a second`;
}

function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '@/lib/clock';
import { createTransport } from '@/lib/email/transport';
import { findRun } from '@/lib/runs/queries';
import { type PassCounts, sendDueMailings } from '@/lib/sending/engine';
import { commandLine } from './actors';
import { CommandFailed, loadSentences, note, type OutputOptions, print } from './output';
import { untilInterrupted } from './setup';

/** A pass of the command line ends at least this often, to look at what others did. */
const passMs = 10_000;

/** One pass with a time budget; prints its counts. */
export async function sendDue(options: OutputOptions & { budgetSeconds: number }): Promise<void> {
  const transport = createTransport();
  const counts = await sendDueMailings({
    clock: systemClock,
    deadline: new Date(Date.now() + options.budgetSeconds * 1000),
    transport,
    signal: untilInterrupted(),
    kind: 'cli',
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
  const progress = progressLine();
  try {
    for (;;) {
      await sendDueMailings({
        clock: systemClock,
        deadline: new Date(Date.now() + passMs),
        transport,
        signal,
        kind: 'cli',
        onProgress: progress.show,
      });
      const run = await findRun(commandLine, { mailingId, runId });
      if (!run) throw new CommandFailed('The run is gone.');
      const { counts } = run;
      progress.total(counts);
      const answer = { id: mailingId, runId, status: run.status, counts };
      const isOver = run.closedAt !== null;
      if (isOver || signal.aborted) {
        progress.end();
        print(answer, options, () => [summary(counts)]);
        if (!isOver) throw new CommandFailed('Interrupted. The rest stays queued; the next pass goes on.');
        return;
      }
      const held = await heldBy(run);
      if (held && counts.sending === 0) {
        progress.end();
        throw new CommandFailed(held, answer);
      }
      // Nothing in flight and the pass found nothing to take: what is queued waits for its next try.
      if (counts.sending === 0 && progress.wasIdle()) {
        progress.end();
        note(
          `${counts.queued} letters were refused for now and are tried again later by the worker, by cron or by send-due.`,
        );
        print(answer, options, () => [summary(counts)]);
        return;
      }
      await pause(counts.sending > 0 ? 300 : 50);
    }
  } finally {
    await transport.close();
  }
}

type Run = NonNullable<Awaited<ReturnType<typeof findRun>>>;

async function heldBy(run: Run): Promise<string | null> {
  if (run.wait) {
    const sentence = await loadSentences('transport');
    const reason = sentence(run.wait.code, { server: run.wait.server ?? 'The mail server' });
    return `${reason}${run.wait.response ? ` It said: ${run.wait.response}` : ''} The next try is at ${run.wait.until.toISOString()}.`;
  }
  if (run.pausedAt) return 'The run is paused.';
  if (run.mailingDisabledAt) return 'The mailing has been disabled by a manager.';
  return null;
}

function summary(counts: Run['counts']): string {
  return Object.entries(counts)
    .filter(([name, value]) => name === 'total' || value > 0)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** Live progress on standard error: one line that is rewritten on a terminal, one now and then elsewhere. */
function progressLine() {
  const began = Date.now();
  const isTerminal = process.stderr.isTTY === true;
  let total: Run['counts'] | null = null;
  let said = 0;
  let before = -1;
  let claimed = 0;
  const write = () => {
    const everyMs = isTerminal ? 100 : 2000;
    if (Date.now() - said < everyMs) return;
    said = Date.now();
    if (!total) return;
    const done = total.total - total.queued - total.sending;
    const seconds = (Date.now() - began) / 1000;
    const rate = done / Math.max(seconds, 0.001);
    const left = rate > 0 ? Math.ceil((total.total - done) / rate) : null;
    const line = `${done} of ${total.total} done (${total.sent} sent, ${total.failed} failed), ${rate.toFixed(0)} a second${left ? `, about ${left} s left` : ''}`;
    process.stderr.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
  };
  return {
    show(counts: PassCounts) {
      claimed = counts.claimed;
      write();
    },
    total(counts: Run['counts']) {
      total = counts;
      write();
    },
    /** Whether the pass since the last call took nothing. */
    wasIdle() {
      const idle = claimed === 0 || claimed === before;
      before = claimed;
      claimed = 0;
      return idle;
    },
    end() {
      if (isTerminal && said > 0) process.stderr.write('\n');
    },
  };
}

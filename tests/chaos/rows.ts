import { closeGates } from './gates';
import { type Cluster, startCluster } from './ground';
import { killOverResend, killOverSmtp } from './kill';
import { failDatabase, maxConnections } from './postgres';
import { freezeEngines, raceEngines } from './race';
import { seeded } from './random';
import type { Trial, TrialResult } from './trial';

/** A row of the table of faults. */
export type Row = {
  what: string;
  /** Trials of the long form. */
  trials: number;
  /** It fells the database server, and so must not share one. */
  fellsServer?: boolean;
  /** Connections the server takes; 200 when left out. */
  maxConnections?: number;
  /** Faults wanted in a trial, in the long form and in the short one. */
  faults: [long: number, short: number];
  run(trial: Trial, faults: number): Promise<TrialResult>;
};

export const rows = {
  kill: {
    what: 'kill -9 of an engine over SMTP, then a new one',
    trials: 10,
    faults: [5, 3],
    run: killOverSmtp,
  },
  resend: {
    what: 'kill -9 of an engine over Resend, then a new one; requests that arrive after their repeat',
    trials: 7,
    faults: [5, 4],
    run: killOverResend,
  },
  race: {
    what: 'eight engines at once',
    trials: 5,
    faults: [7, 7],
    run: raceEngines,
  },
  freeze: {
    what: 'engines frozen or starved, most past their lease, and woken, among eight',
    trials: 6,
    faults: [4, 2],
    run: freezeEngines,
  },
  postgres: {
    what: 'the database killed, restarted, cut off, silent, used up, full',
    trials: 10,
    fellsServer: true,
    maxConnections,
    faults: [3, 2],
    run: failDatabase,
  },
  gates: {
    what: 'pause, disable, block, unsubscribe, stop, the end of the mailing',
    trials: 8,
    faults: [4, 3],
    run: closeGates,
  },
} satisfies Record<string, Row>;

export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows).filter((name): name is RowName => name in rows);

export type Ended = { row: RowName; seed: number; seconds: number; notes: string[]; result: TrialResult };

/** Runs one trial of a row. What it throws becomes a problem of its result. */
export async function runTrial(
  row: RowName,
  seed: number,
  cluster: Cluster,
  form: 'long' | 'short' = 'long',
): Promise<Ended> {
  const began = Date.now();
  const notes: string[] = [];
  const seconds = () => (Date.now() - began) / 1000;
  const note = (line: string) => notes.push(`${seconds().toFixed(1)} s: ${line}`);
  const { run, faults }: Row = rows[row];
  const trial = { cluster, random: seeded(seed), note };
  const result = await run(trial, faults[form === 'long' ? 0 : 1]).catch((error): TrialResult => {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ...nothing, problems: [problem] };
  });
  return { row, seed, seconds: seconds(), notes, result };
}

const nothing = { letters: 0, accepted: 0, sent: 0, unknown: 0, repeated: 0, forgotten: 0, faults: 0 };

/** The server that trials of these rows run on. */
export function startClusterFor(row: RowName): Promise<Cluster> {
  const { maxConnections }: Row = rows[row];
  return startCluster(maxConnections);
}

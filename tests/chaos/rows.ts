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
  run(trial: Trial): Promise<TrialResult>;
};

export const rows = {
  kill: {
    what: 'kill -9 of an engine over SMTP, then a new one',
    trials: 12,
    run: (trial) => killOverSmtp(trial, 4),
  },
  resend: {
    what: 'kill -9 of an engine over Resend, then a new one',
    trials: 8,
    run: (trial) => killOverResend(trial, 4),
  },
  race: {
    what: 'eight engines at once',
    trials: 5,
    run: raceEngines,
  },
  freeze: {
    what: 'engines frozen, most past their lease, and woken, among eight',
    trials: 6,
    run: (trial) => freezeEngines(trial, 4),
  },
  postgres: {
    what: 'the database killed, restarted, cut off, silent, used up, full',
    trials: 10,
    fellsServer: true,
    maxConnections,
    run: (trial) => failDatabase(trial, 3),
  },
  gates: {
    what: 'pause, disable, block, unsubscribe, stop, the end of the mailing',
    trials: 8,
    run: (trial) => closeGates(trial, 4),
  },
} satisfies Record<string, Row>;

export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows).filter((name): name is RowName => name in rows);

export type Ended = { row: RowName; seed: number; seconds: number; notes: string[]; result: TrialResult };

/** Runs one trial of a row. What it throws becomes a problem of its result. */
export async function runTrial(row: RowName, seed: number, cluster: Cluster): Promise<Ended> {
  const began = Date.now();
  const notes: string[] = [];
  const seconds = () => (Date.now() - began) / 1000;
  const note = (line: string) => notes.push(`${seconds().toFixed(1)} s: ${line}`);
  const { run }: Row = rows[row];
  const result = await run({ cluster, random: seeded(seed), note }).catch((error): TrialResult => {
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

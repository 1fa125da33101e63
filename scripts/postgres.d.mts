export class PostgresError extends Error {}
export type RunningPostgres = {
  url: string;
  port: number;
  pid: number;
  started: boolean;
  stop: () => Promise<void>;
};
export function ensurePostgres(options: {
  dataDir: string;
  database?: string;
  log?: (line: string) => void;
  settings?: Record<string, string>;
}): Promise<RunningPostgres>;
export function findPostgres(dataDir: string): number | null;
export function stopPostgres(dataDir: string): Promise<void>;
export function freePort(): Promise<number>;

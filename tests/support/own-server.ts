import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../scripts/postgres.mjs';
import { endProcesses, mark, startServer, tail, waitForServer } from '../../scripts/processes.mjs';
import { cloneDatabase } from './database';

export type OwnServer = { base: string; databaseUrl: string; end(): Promise<void> };

/** The settings that the server of all browser tests runs with, for processes a test starts itself. */
export function serverSettings(): NodeJS.ProcessEnv {
  return { ...process.env, ...(JSON.parse(process.env.E2E_SETTINGS ?? '{}') as Record<string, string>) };
}

/**
 * Another production server for tests that the one of all does not fit: with settings of its own, and, with `database`, on an empty
 * database of its own, where nobody else changes anything. Without a worker.
 */
export async function startOwnServer(
  options: { database?: boolean; env?: Record<string, string> } = {},
): Promise<OwnServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mailroom-own-'));
  const settings = serverSettings();
  const shared = settings.DATABASE_URL ?? '';
  const own = options.database ? await cloneDatabase(shared) : null;
  const databaseUrl = own?.url ?? shared;
  const port = await freePort();
  const logFile = path.join(folder, 'server.log');
  const server = startServer({
    port,
    env: {
      ...settings,
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      MAILROOM_DATA_DIR: folder,
      ...options.env,
    },
    logFile,
  });
  const running = mark(server);
  const end = async () => {
    await endProcesses([running]);
    await own?.drop();
    rmSync(folder, { recursive: true, force: true });
  };
  if (!(await waitForServer(port, () => server.exitCode !== null))) {
    const said = tail(logFile);
    await end();
    throw new Error(`The server did not start: ${said}`);
  }
  return { base: `http://localhost:${port}`, databaseUrl, end };
}

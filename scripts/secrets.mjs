// Secrets and notes that an installation keeps in its data directory, so that `up`, the worker and the command line agree.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** AUTH_SECRET and CRON_SECRET of this data directory, made once and kept readable by its owner alone. */
export function ensureSecrets(dataDir) {
  const file = path.join(dataDir, 'secrets.json');
  fs.mkdirSync(dataDir, { recursive: true });
  const kept = readSecrets(dataDir);
  if (kept) return kept;
  const fresh = {
    AUTH_SECRET: randomBytes(32).toString('base64url'),
    CRON_SECRET: randomBytes(24).toString('base64url'),
  };
  const aside = `${file}.${process.pid}`;
  fs.writeFileSync(aside, `${JSON.stringify(fresh, null, 2)}\n`, { mode: 0o600 });
  try {
    // A link fails where the file has appeared meanwhile: whoever was first is right.
    fs.linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'EEXIST') fs.renameSync(aside, file);
  }
  fs.rmSync(aside, { force: true });
  return readSecrets(dataDir) ?? fresh;
}

/** The same, or null where none were made. */
export function readSecrets(dataDir) {
  const kept = readJson(path.join(dataDir, 'secrets.json'));
  return typeof kept?.AUTH_SECRET === 'string' && typeof kept?.CRON_SECRET === 'string' ? kept : null;
}

/** What the last `up` on this data directory noted about itself: where it serves and as which processes. */
export function readUpNote(dataDir) {
  const note = readJson(path.join(dataDir, 'up.json'));
  return typeof note?.pid === 'number' ? note : null;
}

export function writeUpNote(dataDir, note) {
  const file = path.join(dataDir, 'up.json');
  fs.writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(`${file}.${process.pid}`, file);
}

/** Reads `.env.local` and `.env` of the project like Next.js does: what the environment says already wins. */
export function loadEnvFiles(root) {
  for (const name of ['.env.local', '.env']) {
    const file = path.join(root, name);
    if (fs.existsSync(file)) process.loadEnvFile(file);
  }
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

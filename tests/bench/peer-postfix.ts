import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Ground } from './ground';

type SmtpSource = { send(port: number, howMany: number, octets: number): Promise<void> };

/**
 * Postfix's own load generator, from this machine or else unpacked from Debian's package into a directory that goes away again:
 * nothing is installed and no service runs. It sends the same bytes over and over: nothing is composed or written down.
 */
export function findSmtpSource(ground: Ground): SmtpSource | { missing: string } {
  const places = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
  const installed = places.map((place) => path.join(place, 'smtp-source')).find(existsSync);
  if (installed) return smtpSource(installed, []);

  const directory = mkdtempSync(path.join(tmpdir(), 'mailroom-postfix-'));
  ground.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const trouble = unpack(directory);
  if (trouble) return { missing: trouble };
  const program = path.join(directory, 'usr/sbin/smtp-source');
  const libraries = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => /\.so(\.|$)/.test(entry.name))
    .map((entry) => entry.parentPath);
  const loaded = spawnSync(program, [], libraryPath(libraries));
  if (!String(loaded.stderr).includes('usage:'))
    return { missing: `smtp-source does not start: ${loaded.stderr}` };
  return smtpSource(program, libraries);
}

const libraryPath = (libraries: string[]) =>
  libraries.length === 0
    ? {}
    : { env: { ...process.env, LD_LIBRARY_PATH: [...new Set(libraries)].join(path.delimiter) } };

/** Has apt-get fetch the package and what it needs and this machine lacks, and unpacks them. Why it could not, or null. */
function unpack(directory: string): string | null {
  const archives = path.join(directory, 'archives');
  mkdirSync(path.join(archives, 'partial'), { recursive: true });
  const fetched = spawnSync(
    'apt-get',
    [
      'install',
      'postfix',
      '--download-only',
      '--yes',
      '--no-install-recommends',
      // The lock is for who installs; without it no rights are needed.
      '-oDebug::NoLocking=1',
      `-oDir::Cache::Archives=${archives}`,
    ],
    { encoding: 'utf8', timeout: 120_000 },
  );
  if (fetched.error) return 'no smtp-source here, and no apt-get to fetch it with';
  if (fetched.status !== 0)
    return `apt-get could not fetch postfix: ${fetched.stderr.trim().split('\n').at(-1)}`;
  for (const archive of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    const unpacked = spawnSync('dpkg-deb', ['-x', path.join(archives, archive), directory]);
    if (unpacked.status !== 0) return `dpkg-deb could not unpack ${archive}`;
  }
  return null;
}

function smtpSource(program: string, libraries: string[]): SmtpSource {
  return {
    async send(port, howMany, octets) {
      // -d keeps the connections, -s how many, -m letters in all, -l octets of each.
      const args = ['-d', '-s', '10', '-m', String(howMany), '-l', String(octets)];
      const who = ['-f', 'bench@bench.test', '-t', 'client@bench.test'];
      const child = spawn(program, [...args, ...who, `127.0.0.1:${port}`], {
        stdio: ['ignore', 'inherit', 'inherit'],
        ...libraryPath(libraries),
      });
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
    },
  };
}

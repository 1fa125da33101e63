import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { debianProgram } from '../../scripts/debian.mjs';
import type { Ground } from './ground';

type SmtpSource = { send(port: number, howMany: number, octets: number): Promise<void> };

/** Postfix's own load generator. It sends the same bytes over and over: nothing is composed or written down. */
export function findSmtpSource(ground: Ground): SmtpSource | { missing: string } {
  const directory = mkdtempSync(path.join(tmpdir(), 'mailroom-postfix-'));
  ground.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const { program, missing } = debianProgram('smtp-source', 'postfix', directory);
  if (missing !== undefined) return { missing };
  const loaded = spawnSync(program, []);
  if (!String(loaded.stderr).includes('usage:'))
    return { missing: `smtp-source does not start: ${loaded.stderr}` };
  return smtpSource(program);
}

function smtpSource(program: string): SmtpSource {
  return {
    async send(port, howMany, octets) {
      // -d keeps the connections, -s how many, -m letters in all, -l octets of each.
      const args = ['-d', '-s', '10', '-m', String(howMany), '-l', String(octets)];
      const who = ['-f', 'bench@bench.test', '-t', 'client@bench.test'];
      const child = spawn(program, [...args, ...who, `127.0.0.1:${port}`], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
    },
  };
}

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../scripts/postgres.mjs';

/** Whether this machine has an `nginx`. Tests that need one say in their title that they are skipped where there is none. */
export const hasNginx = spawnSync('nginx', ['-v']).status === 0;
export const withoutNginx = hasNginx ? '' : ' [SKIPPED: there is no nginx on the PATH]';

export type Nginx = {
  base: string;
  pid: number;
  /** A second server of the same nginx, which serves the files of this folder and does nothing else. */
  filesBase: string;
  filesFolder: string;
  end(): Promise<void>;
};

/**
 * The nginx of `deploy/nginx.conf` in front of the application at `appPort`: as it is shipped, but for its ports and where it keeps
 * things. Throws when nginx does not take the file.
 */
export async function startNginx(appPort: number, program = 'nginx'): Promise<Nginx> {
  const folder = mkdtempSync(path.join(tmpdir(), 'mailroom-nginx-'));
  const [port, filesPort] = [await freePort(), await freePort()];
  const filesFolder = path.join(folder, 'files');
  mkdirSync(filesFolder);
  const shipped = readFileSync(path.join(import.meta.dirname, '../../deploy/nginx.conf'), 'utf8');
  const put = (text: string, from: string, to: string) => {
    if (!text.includes(from)) throw new Error(`deploy/nginx.conf says no ${from}`);
    return text.replace(from, to);
  };
  const site = [
    ['/var/cache/nginx/mailroom', path.join(folder, 'cache')],
    ['server 127.0.0.1:3000;', `server 127.0.0.1:${appPort};`],
    ['listen 80;', `listen 127.0.0.1:${port};`],
    ['listen [::]:80;', ''],
  ].reduce((text, [from = '', to = '']) => put(text, from, to), shipped);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('\n');
  const whole = `${userInfo().username === 'root' ? 'user root;' : ''}
worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
types { text/html html; }
access_log off;
${temporary}
${site}
server { listen 127.0.0.1:${filesPort}; root ${filesFolder}; }
}`;
  const file = path.join(folder, 'nginx.conf');
  writeFileSync(file, whole);
  const args = ['-e', `${folder}/error.log`, '-p', folder, '-c', file];
  const checked = spawnSync(program, [...args, '-t'], { encoding: 'utf8' });
  if (checked.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`nginx does not take deploy/nginx.conf: ${checked.stderr}`);
  }
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const end = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; !(await isOpen(port)); tries += 1) {
    if (tries > 200 || child.exitCode !== null) {
      await end();
      throw new Error('nginx did not start');
    }
    await pause(25);
  }
  return {
    base: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    filesBase: `http://127.0.0.1:${filesPort}`,
    filesFolder,
    end,
  };
}

function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).then((open) => {
    socket.destroy();
    return open === true;
  });
}

// Programs that tests and benchmarks measure themselves against, from this machine or else from Debian's packages, unpacked into a
// directory that goes away again: nothing is installed and no service runs.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** Where a program is, or why it is not to be had: `{ program }` or `{ missing }`. What is fetched stays in `directory`. */
export function debianProgram(name, packageName, directory) {
  const places = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
  const installed = places.map((place) => path.join(place, name)).find((file) => fs.existsSync(file));
  if (installed) return { program: installed };

  const root = path.join(directory, packageName);
  const trouble = unpack(packageName, root);
  if (trouble) return { missing: trouble };
  const unpacked = ['usr/bin', 'usr/sbin'].map((place) => path.join(root, place, name)).find(fs.existsSync);
  if (!unpacked) return { missing: `${packageName} has no ${name}` };
  const libraries = fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => /\.so(\.|$)/.test(entry.name))
    .map((entry) => entry.parentPath);
  const bin = path.join(directory, 'bin');
  fs.mkdirSync(bin, { recursive: true });
  const program = path.join(bin, name);
  const found = [...new Set(libraries)].join(path.delimiter);
  fs.writeFileSync(program, `#!/bin/sh\nLD_LIBRARY_PATH='${found}' exec '${unpacked}' "$@"\n`, {
    mode: 0o755,
  });
  return { program };
}

/** Has apt-get fetch a package and what it needs and this machine lacks, and unpacks them. Why it could not, or null. */
function unpack(packageName, root) {
  const archives = path.join(root, 'archives');
  fs.mkdirSync(path.join(archives, 'partial'), { recursive: true });
  const fetched = spawnSync(
    'apt-get',
    [
      'install',
      packageName,
      '--download-only',
      '--yes',
      '--no-install-recommends',
      // The lock is for who installs; without it no rights are needed.
      '-oDebug::NoLocking=1',
      `-oDir::Cache::Archives=${archives}`,
    ],
    { encoding: 'utf8', timeout: 120_000 },
  );
  if (fetched.error) return `no ${packageName} here, and no apt-get to fetch it with`;
  if (fetched.status !== 0)
    return `apt-get could not fetch ${packageName}: ${fetched.stderr.trim().split('\n').at(-1)}`;
  for (const archive of fs.readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    const unpacked = spawnSync('dpkg-deb', ['-x', path.join(archives, archive), root]);
    if (unpacked.status !== 0) return `dpkg-deb could not unpack ${archive}`;
  }
  return null;
}

import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';

/** What the packed form of a file is called, behind the file's own name. */
export const packedEnding = '.br';

const packable = /\.(js|css)$/;

/**
 * Packs the scripts and style sheets below a folder, each into a file beside it, as small as Brotli makes them: seconds of work, once a
 * build. Answers how many.
 */
export async function packFiles(folder: string): Promise<number> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => packable.test(name));
  for (const name of files) {
    const file = path.join(folder, name);
    const octets = await readFile(file);
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: octets.length,
    };
    await writeFile(file + packedEnding, await promisify(brotliCompress)(octets, { params }));
  }
  return files.length;
}

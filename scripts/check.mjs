// `npm run check`. The types take as long as all the rest, which goes beside them.
import './node-version.mjs';
import { capture, npm } from './prepare.mjs';

const lanes = [['types'], ['format', 'layers', 'unused', 'schema']];
const failed = [];

await Promise.all(
  lanes.map(async (names) => {
    for (const name of names) {
      const [program, ...first] = npm;
      const { code, output } = await capture(program, [...first, 'run', `check:${name}`], process.env);
      console.log(output.trim());
      if (code !== 0) failed.push(name);
    }
  }),
);
if (failed.length > 0) console.error(`\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;

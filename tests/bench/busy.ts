import { readFileSync } from 'node:fs';

/** Ticks of the kernel in a second; fixed at 100 for what /proc shows. */
const ticks = 100;

/** Seconds of processor time of a process and of its children, those that ended included. NaN where there is no /proc. */
function processorSeconds(pid: number, withChildren: boolean): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything: utime, stime, cutime and cstime are the 12th to 15th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15).map(Number);
    const own = (user + system) / ticks;
    if (!withChildren) return own;
    const living = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return living
      .map((child) => orZero(processorSeconds(Number(child), true)))
      .reduce((sum, each) => sum + each, own + (childUser + childSystem) / ticks);
  } catch {
    return Number.NaN;
  }
}

const orZero = (value: number) => (Number.isNaN(value) ? 0 : value);

/** How many processor cores each process kept busy from now on; call it again to read. Says nothing where /proc can not. */
export function watchBusy(pids: { name: string; pid: number; withChildren?: boolean }[]): () => string {
  const read = () => pids.map(({ pid, withChildren = false }) => processorSeconds(pid, withChildren));
  const before = read();
  const from = performance.now();
  return () => {
    const elapsed = (performance.now() - from) / 1000;
    const after = read();
    return pids
      .map(({ name }, index) => ({
        name,
        cores: ((after[index] ?? Number.NaN) - (before[index] ?? 0)) / elapsed,
      }))
      .filter(({ cores }) => !Number.isNaN(cores))
      .map(({ name, cores }) => `${name} ${cores.toFixed(2)}`)
      .join(', ');
  };
}

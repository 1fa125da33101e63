/** Entries in this process's memory, of at most `octetsMax` octets in all; what was not asked for the longest goes first. */
export function createMemory<T>(octetsMax: number, octetsOf: (entry: T) => number) {
  const entries = new Map<string, { entry: T; octets: number }>();
  let octets = 0;

  const remove = (key: string) => {
    octets -= entries.get(key)?.octets ?? 0;
    entries.delete(key);
  };
  return {
    get(key: string): T | null {
      const found = entries.get(key);
      if (!found) return null;
      entries.delete(key);
      entries.set(key, found);
      return found.entry;
    },
    set(key: string, entry: T): void {
      remove(key);
      const size = key.length * 2 + octetsOf(entry);
      // One that would drive out all the others is not worth it.
      if (size > octetsMax / 4) return;
      entries.set(key, { entry, octets: size });
      octets += size;
      for (const oldest of entries.keys()) {
        if (octets <= octetsMax) break;
        remove(oldest);
      }
    },
    remove,
    get octets(): number {
      return octets;
    },
    get size(): number {
      return entries.size;
    },
  };
}

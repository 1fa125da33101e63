/** How long to wait before trying again. Randomness comes in through `random` (0 ≤ r < 1). */

/**
 * Seconds until the next try of a delivery after `tries` refused ones: exponential from `baseSeconds`, at most six hours, with
 * half of it jittered so that a refused list does not come back in step.
 */
export function retryDelaySeconds(tries: number, baseSeconds: number, random: () => number): number {
  const full = Math.min(6 * 3600, baseSeconds * 2 ** Math.max(0, tries - 1));
  return full * (0.5 + random() / 2);
}

/** Seconds that a sender in trouble waits: what the server asked for, else 15 s doubling with each wait in a row up to 15 min. */
export function senderWaitSeconds(
  waitsInRow: number,
  asked: number | undefined,
  random: () => number,
): number {
  if (asked !== undefined) return Math.min(32 * 24 * 3600, Math.max(1, asked));
  return Math.min(900, 15 * 2 ** Math.min(10, waitsInRow - 1)) * (0.75 + random() / 4);
}

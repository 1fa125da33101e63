/** Where code asks for the time. Tests pass one that stands still or is moved. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };

/** A clock that shows `at` until it is set to another instant. */
export function fixedClock(at: Date): Clock & { set(at: Date): void } {
  let current = at;
  return {
    now: () => current,
    set(next) {
      current = next;
    },
  };
}

// Loaded into a server before anything else (`node --import`): its clock runs twenty times as fast, so that a minute of what it keeps
// goes by in three seconds. Timers keep to real time.
const speed = 20;
const { now } = performance;
const beganAt = Date.now();
const gone = () => now.call(performance) - began;
const began = now.call(performance);

performance.now = () => began + gone() * speed;
globalThis.Date = class extends Date {
  /** @param {[]} given */
  constructor(...given) {
    super(...(given.length === 0 ? [globalThis.Date.now()] : given));
  }
  static now() {
    return Math.floor(beganAt + gone() * speed);
  }
};

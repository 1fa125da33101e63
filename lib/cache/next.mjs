// The file that `cacheHandler` names: Next loads it as it is, outside of the build. What it stands for is `handler.ts`, which
// `instrumentation.ts` puts behind this door. While building nobody does, and nothing is kept.
const door = Symbol.for('mailroom.cache');

export default class {
  #handler;

  constructor(context) {
    this.#handler = globalThis[door]?.(context);
  }

  async get(key, context) {
    return this.#handler?.get(key, context) ?? null;
  }

  async set(key, value, context) {
    await this.#handler?.set(key, value, context);
  }

  async revalidateTag(tags) {
    await this.#handler?.revalidateTag(tags);
  }

  resetRequestCache() {}
}

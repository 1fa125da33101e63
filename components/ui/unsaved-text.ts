/*
 * What was typed and is not saved, kept in this browser: a session that ends, a window that closes or a server that is away takes no
 * text with it. Each window keeps its own, so that none writes over what another keeps.
 */

export type UnsavedText = {
  /** Which window typed it: when it was opened. */
  since: string;
  /** When it was typed (ISO 8601). */
  at: string;
  /** The version that it was written over. */
  version: number;
  values: Record<string, string>;
};

const prefix = 'mailroom:unsaved:';
/** Of one thing. The oldest go first. */
const textsMax = 3;
const daysKept = 30;
/** After signing out a page lives on for a moment; what it keeps then would be left for whoever comes next. */
const silenceMs = 30_000;
let silentUntil = 0;

const isText = (value: unknown): value is string => typeof value === 'string';

/** Anything may stand there: another version of ours wrote it, or somebody by hand. */
function isUnsaved(value: unknown): value is UnsavedText {
  if (typeof value !== 'object' || value === null) return false;
  const { since, at, version, values } = value as Partial<Record<keyof UnsavedText, unknown>>;
  return (
    isText(since) &&
    isText(at) &&
    Date.now() - Date.parse(at) < daysKept * 86_400_000 &&
    typeof version === 'number' &&
    typeof values === 'object' &&
    values !== null &&
    Object.values(values).every(isText)
  );
}

/** Everything that is kept of a thing, the newest last; nothing where the browser keeps nothing. */
export function unsavedTexts(thing: string): UnsavedText[] {
  try {
    const found: unknown = JSON.parse(window.localStorage.getItem(prefix + thing) ?? '[]');
    return Array.isArray(found) ? found.filter(isUnsaved) : [];
  } catch {
    return [];
  }
}

function write(thing: string, texts: UnsavedText[]) {
  try {
    if (texts.length === 0) window.localStorage.removeItem(prefix + thing);
    else window.localStorage.setItem(prefix + thing, JSON.stringify(texts.slice(-textsMax)));
  } catch {
    // Full, or forbidden: then the page itself is all that keeps it, as before.
  }
}

/** Keeps a text, in place of what the same window kept before. */
export function keepUnsavedText(thing: string, text: UnsavedText): void {
  if (Date.now() < silentUntil) return;
  write(thing, [...unsavedTexts(thing).filter(({ since }) => since !== text.since), text]);
}

/** Forgets what one window kept: it was saved, taken up, or thrown away. */
export function forgetUnsavedText(thing: string, since: string): void {
  const texts = unsavedTexts(thing);
  write(
    thing,
    texts.filter((text) => text.since !== since),
  );
}

/** Forgets everything: who signs out leaves nothing to read for whoever comes next. */
export function forgetUnsavedTexts(): void {
  silentUntil = Date.now() + silenceMs;
  try {
    const kept = Object.keys(window.localStorage).filter((key) => key.startsWith(prefix));
    for (const key of kept) window.localStorage.removeItem(key);
  } catch {
    // Nothing is kept where nothing may be.
  }
}

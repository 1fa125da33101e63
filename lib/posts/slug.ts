import slugify from '@sindresorhus/slugify';

/** Letters of an address made from a title; a number may follow. The table takes 120. */
const lengthMax = 80;
/** Where `/blog` has pages of its own. */
const reserved = new Set(['page', 'feed']);

/** Can this be the address of an article? What the table takes: anybody may ask for anything, NUL and a megabyte among it. */
export function isSlug(text: string): boolean {
  return text.length <= 120 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text);
}

/** Latin letters, digits and single hyphens, transliterated (also from Russian); empty when the text has nothing of the kind. */
export function toSlug(text: string): string {
  const whole = slugify(text, { decamelize: false });
  if (whole.length <= lengthMax) return whole;
  const cut = whole.slice(0, lengthMax + 1);
  const end = cut.lastIndexOf('-');
  // A word is not cut unless it is all there is.
  return end > 0 ? cut.slice(0, end) : whole.slice(0, lengthMax);
}

/** The address that a title makes, before it is known which are free. */
export function slugOfTitle(title: string): string {
  return toSlug(title) || 'untitled';
}

/** Is this what {@link slugOfTitle} makes of the title, perhaps with a number behind it? */
export function isSlugOfTitle(slug: string, title: string): boolean {
  const base = slugOfTitle(title);
  return slug === base || (slug.startsWith(`${base}-`) && /^\d+$/.test(slug.slice(base.length + 1)));
}

/** The slug itself, or the first one with a number behind it that is not taken. */
export function firstFree(slug: string, taken: ReadonlySet<string>): string {
  const isFree = (candidate: string) => !taken.has(candidate) && !reserved.has(candidate);
  if (isFree(slug)) return slug;
  for (let number = 2; ; number += 1) {
    const candidate = `${slug}-${number}`;
    if (isFree(candidate)) return candidate;
  }
}

import { z } from 'zod';
import { imageBytesMax, imageMegabytesMax } from '@/lib/uploads/schema';

/** Characters. */
export const titleMax = 200;
export const summaryMax = 300;
/** Octets of UTF-8 that a body may have. */
export const bodyOctetsMax = 204_800;
/** Articles on a page of the public list: a wide one, and twelve in rows of two or three. */
export const postsPerPage = 13;
/** Pixels of the pictures that are shown where an address of the blog is shared. */
export const pictureSize = { width: 1200, height: 630 };
/** A deleted article can be brought back for so many days; then it is gone. */
export const daysKept = 30;

/** What an article is to its readers. A scheduled one is published at a date that is still to come. */
export const postStates = ['draft', 'scheduled', 'published', 'deleted'] as const;
export type PostState = (typeof postStates)[number];

const octets = (text: string) => new TextEncoder().encode(text).length;

/** Whether a body has anything to read or to look at. */
export function saysSomething(html: string): boolean {
  return /<img\b/i.test(html) || html.replace(/<[^>]*>|&nbsp;|\s/g, '') !== '';
}

const line = (max: number) =>
  z
    .string('required')
    .trim()
    .max(max, 'too_long')
    .refine((text) => !/\p{Cc}|\u2028|\u2029/u.test(text), 'one_line');

const idSchema = z.coerce
  .number('not_found')
  .int('not_found')
  .positive('not_found')
  .max(Number.MAX_SAFE_INTEGER, 'not_found');
const versionSchema = z.coerce.number('invalid_value').int('invalid_value').positive('invalid_value');
const pixels = z
  .union([z.literal('').transform(() => null), z.coerce.number().int().positive().max(100_000)])
  .optional();

/** The address of a picture: ours, or anywhere on the web. */
function isPicture(address: string): boolean {
  if (/^\/(?![/\\])/.test(address)) return true;
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}

/** What the editor sends. A draft may be empty; what a published one must have, the mutation says. */
const fields = {
  title: line(titleMax),
  /** Empty: made from the title. Anything else is brought into shape. */
  slug: line(200).default(''),
  summary: line(summaryMax).default(''),
  body: z
    .string('required')
    .transform((html) => html.replace(/\r\n?/g, '\n').replaceAll('\0', ''))
    .pipe(
      z.string().refine((html) => octets(html) <= bodyOctetsMax, {
        error: 'body_too_large',
        params: { max: bodyOctetsMax / 1024 },
      }),
    ),
  /** Address of the cover; empty: none; left out: as it was. */
  imageUrl: line(2000)
    .refine((address) => address === '' || isPicture(address), 'invalid_value')
    .optional(),
  coverAlt: line(300).optional(),
  coverWidth: pixels,
  coverHeight: pixels,
  /** A new cover as a file, from a page without JavaScript. */
  cover: z
    .union([
      z.literal('').transform(() => undefined),
      z.instanceof(File).superRefine(({ size }, context) => {
        if (size > imageBytesMax)
          context.addIssue({ code: 'custom', message: 'too_big', params: { max: imageMegabytesMax } });
      }),
    ])
    .optional(),
};

/** A new article may begin as nothing at all. */
export const postSchema = z.object({
  ...fields,
  title: fields.title.default(''),
  body: fields.body.default(''),
});
export const postChangeSchema = z.object({
  id: idSchema,
  /** The version that the writer began with. */
  version: versionSchema,
  /** `on`: nobody pressed a button. Only drafts are saved like that. */
  auto: z.literal('on').optional(),
  ...fields,
});
export const postPublishSchema = z
  .object({
    id: idSchema,
    version: versionSchema,
    when: z.enum(['now', 'at'], 'required'),
    /** Wall-clock time in the zone of who publishes: `2026-12-01T09:00`. */
    at: z.string().trim().default(''),
  })
  .refine(({ when, at }) => when === 'now' || at !== '', { path: ['at'], error: 'required' });
export const postIdSchema = z.object({ id: idSchema });

/** What a saved article is now; the page goes on from there. */
export type Saved = {
  id: number;
  version: number;
  slug: string;
  /** Address of the cover; empty: none. */
  imageUrl: string;
  savedAt: string;
};

/** An article as the managers' list shows it. Instants are ISO 8601, because a cached answer is JSON. */
export type PostLine = {
  id: number;
  title: string;
  slug: string;
  state: PostState;
  author: string | null;
  views: number;
  publishedAt: string | null;
  updatedAt: string;
  deletedAt: string | null;
};

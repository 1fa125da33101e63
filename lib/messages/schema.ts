import { z } from 'zod';
import type { CursorKeys } from '@/lib/paging';

/** Octets of UTF-8 that a body may have. */
export const bodyOctetsMax = 204_800;

export const messageIdSchema = z.coerce
  .number('not_found')
  .int('not_found')
  .positive('not_found')
  .max(Number.MAX_SAFE_INTEGER, 'not_found');

const octets = (text: string) => new TextEncoder().encode(text).length;
const saysSomething = (html: string) => /<img\b/i.test(html) || html.replace(/<[^>]*>|&nbsp;|\s/g, '') !== '';

/** A Liquid template of one line. Whether it parses is the mutation's to say. */
export const subjectSchema = z
  .string('required')
  .trim()
  .min(1, 'required')
  .max(200, 'too_long')
  .refine((text) => !/\p{Cc}|\u2028|\u2029/u.test(text), 'one_line');

/** HTML with Liquid in it, at most 200 kB. */
export const bodySchema = z
  .string('required')
  .transform((html) => html.replace(/\r\n?/g, '\n').replaceAll('\0', ''))
  .pipe(
    z
      .string()
      .refine(saysSomething, 'required')
      .refine((html) => octets(html) <= bodyOctetsMax, {
        error: 'body_too_large',
        params: { max: bodyOctetsMax / 1024 },
      }),
  );

export const messageSchema = z.object({ subject: subjectSchema, body: bodySchema });
export const messageChangeSchema = messageSchema.extend({ id: messageIdSchema });
export const messageDeletionSchema = z.object({ id: messageIdSchema });
export const testLetterSchema = z.object({ id: messageIdSchema });

/** What the editor sends for a look: it may be half written, so only its size is bounded. */
export const previewSchema = z.object({
  subject: z.string().max(1000),
  body: z.string().max(bodyOctetsMax),
  clientId: z.number().int().positive().nullable(),
});

/** A letter as one client would get it. */
export type Preview = { subject: string; html: string; text: string };

export const messageSorts = ['newest', 'subject'] as const;
export type MessageSort = (typeof messageSorts)[number];
/** What the cursors of each are made of. */
export const messageCursors: Record<MessageSort, CursorKeys> = {
  newest: ['number'],
  subject: ['string', 'number'],
};

/** A message as lists show it. */
export type MessageRow = { id: number; subject: string; createdAt: Date; updatedAt: Date };

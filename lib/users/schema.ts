import { z } from 'zod';
import { localeNames } from '@/db/enums';
import { reasonSchema } from '@/lib/audit/schema';
import { guessable } from '@/lib/auth/guessable';
import type { CursorKeys } from '@/lib/paging';

export const passwordMin = 8;
/** Long enough for any pass phrase; a bound keeps hashing from being a way to load the server. */
export const passwordMax = 200;
export const nameMax = 200;

const email = z.string().trim().min(1, 'required').max(254, 'too_long').pipe(z.email('invalid_email'));

const name = z
  .string()
  .trim()
  .min(1, 'required')
  .max(nameMax, 'too_long')
  .refine((value) => !/[\r\n]/.test(value), 'one_line');

const newPassword = z
  .string()
  .min(1, 'required')
  .min(passwordMin, 'too_short')
  .max(passwordMax, 'too_long')
  .refine((value) => !guessable(value), 'guessable');

const locale = z.enum(localeNames, 'invalid_value');

/** Is it the name of a zone that this machine knows? Offsets such as `+03:00` are no zones. */
function isZoneName(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
}

const timeZone = z.string().max(100, 'invalid_zone').refine(isZoneName, 'invalid_zone');

const notTheAddress = (value: { email: string; password: string }) =>
  value.password.toLowerCase() !== value.email.toLowerCase() &&
  value.password.toLowerCase() !== value.email.split('@')[0]?.toLowerCase();

export const registerSchema = z
  .object({
    name,
    email,
    password: newPassword,
    locale,
    /** The browser's; an unknown one counts as UTC, since nobody typed it. */
    timeZone: timeZone.catch('UTC').default('UTC'),
  })
  .refine(notTheAddress, { path: ['password'], error: 'guessable' });
export type RegisterInput = z.output<typeof registerSchema>;

export const signInSchema = z.object({
  email: z.string().trim().min(1, 'required').max(254, 'too_long'),
  password: z.string().min(1, 'required').max(passwordMax, 'too_long'),
  next: z.string().max(2000).optional(),
});

export const addressSchema = z.object({ email });
export const tokenSchema = z.object({ token: z.string().min(1, 'required').max(200, 'too_long') });

export const resetSchema = tokenSchema.extend({ password: newPassword });

export const changePasswordSchema = z
  .object({
    oldPassword: z.string().min(1, 'required').max(passwordMax, 'too_long'),
    password: newPassword,
  })
  .refine((value) => value.oldPassword !== value.password, { path: ['password'], error: 'same_password' });
export type ChangePasswordInput = z.output<typeof changePasswordSchema>;

/** What proves that it is the owner who asks for something that a signed-in browser alone may not do. */
export const currentPasswordSchema = z.object({
  currentPassword: z.string().min(1, 'required').max(passwordMax, 'too_long'),
});
export const changeEmailSchema = currentPasswordSchema.extend({ email });
export type ChangeEmailInput = z.output<typeof changeEmailSchema>;

export const profileSchema = z.object({ name, timeZone, language: locale });
export type ProfileInput = z.output<typeof profileSchema>;

export const sessionSchema = z.object({ sessionId: z.coerce.number().int().positive() });

/** How managers narrow the list of users down. */
export const userRoles = ['user', 'manager', 'admin'] as const;
export type UserRole = (typeof userRoles)[number];
export const userStates = ['active', 'blocked', 'unconfirmed'] as const;
export type UserState = (typeof userStates)[number];
export const userSorts = ['newest', 'email'] as const;
export type UserSort = (typeof userSorts)[number];
/** What the cursors of each are made of. */
export const userCursors: Record<UserSort, CursorKeys> = {
  newest: ['number'],
  email: ['string'],
};

const userId = z.coerce
  .number('invalid_value')
  .int('invalid_value')
  .positive('invalid_value')
  .max(Number.MAX_SAFE_INTEGER, 'invalid_value');

export const userCommandSchema = z.object({ userId });
export const roleSchema = z.object({ userId, role: z.enum(userRoles, 'invalid_value') });
export const blockSchema = z.object({ userId, reason: reasonSchema });

/** For buttons that need nothing but being pressed. */
export const nothingSchema = z.object({});

/** Without what is mistaken for one another (0 O, 1 l I), and without marks that a phone hides. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** How hard a password would be to guess, roughly; what the hint beside the field says. It forbids nothing. */
export type PasswordStrength = 'guessable' | 'short' | 'weak' | 'fair' | 'strong';

/**
 * A rough estimate, made in the browser: each character counts by the kinds of characters there are, one that repeats or follows
 * its neighbour (aa, ab, 21) does not. Null for an empty field.
 */
export function passwordStrength(password: string): PasswordStrength | null {
  if (password === '') return null;
  const signs = [...password];
  if (signs.length < passwordMin) return 'short';
  if (guessable(password)) return 'guessable';
  const fresh = signs.filter((sign, at) => {
    const before = signs[at - 1]?.codePointAt(0);
    return before === undefined || Math.abs(before - (sign.codePointAt(0) ?? 0)) > 1;
  }).length;
  const kinds: [RegExp, number][] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/\d/, 10],
    [/[а-яё]/, 33],
    [/[А-ЯЁ]/, 33],
    [/[^a-zA-Zа-яёА-ЯЁ\d]/, 20],
  ];
  const pool = kinds.reduce((sum, [sign, size]) => sum + (sign.test(password) ? size : 0), 0);
  const bits = fresh * Math.log2(pool);
  return bits < 45 ? 'weak' : bits < 70 ? 'fair' : 'strong';
}

/** A password of 20 characters in groups of five, about 116 random bits. Runs in the browser and on the server. */
export function generatePassword(): string {
  const picked: string[] = [];
  while (picked.length < 20) {
    // Bytes beyond the last whole multiple would make some characters likelier.
    for (const byte of crypto.getRandomValues(new Uint8Array(40))) {
      const sign = byte < alphabet.length * 4 ? alphabet[byte % alphabet.length] : undefined;
      if (sign && picked.length < 20) picked.push(sign);
    }
  }
  return picked.join('').replace(/.{5}(?=.)/g, '$&-');
}

import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';

const integer = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

const httpUrl = z
  .string()
  .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
    error: 'must be an http or https URL',
  });

/** An address, or a network as `10.0.0.0/8`. */
function isNetwork(text: string): boolean {
  const [address = '', bits = '0', ...rest] = text.trim().split('/');
  const version = isIP(address);
  return (
    version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)
  );
}

const settings = z
  .object({
    NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
    DATABASE_URL: z.string().startsWith('postgres', 'must be a postgres:// URL').optional(),
    MAILROOM_DATA_DIR: z.string().default('.data'),
    PORT: integer(3000, 1, 65_535),
    APP_URL: httpUrl.optional(),
    AUTH_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
    CRON_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
    DEFAULT_LOCALE: z.enum(['en', 'ru']).default('en'),
    TRUSTED_PROXIES: z
      .string()
      .refine((value) => value.trim() === '*' || value.split(',').every(isNetwork), {
        error: 'must be * or addresses and networks such as 10.0.0.0/8, with commas between them',
      })
      .default(''),
    EMAIL_TRANSPORT: z.enum(['resend', 'smtp', 'outbox']).optional(),
    EMAIL_FROM: z.email('must be an e-mail address').default('mailroom@localhost.example'),
    RESEND_API_KEY: z.string().optional(),
    RESEND_BASE_URL: httpUrl.optional(),
    RESEND_WEBHOOK_SECRET: z
      .string()
      .regex(
        /^whsec_([A-Za-z0-9+/]{4}){4,}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
        'must be whsec_ and base64',
      )
      .optional(),
    SMTP_URL: z
      .string()
      .refine((value) => URL.canParse(value) && /^smtps?:$/.test(new URL(value).protocol), {
        error: 'must look like smtp://user:password@host:port',
      })
      .optional(),
    SMTP_HOST: z.string().optional(),
    SMTP_PORT: z.coerce.number().int().min(1).max(65_535).optional(),
    SMTP_USER: z.string().optional(),
    SMTP_PASSWORD: z.string().optional(),
    UPSTASH_REDIS_REST_URL: httpUrl.optional(),
    UPSTASH_REDIS_REST_TOKEN: z.string().optional(),
    BLOB_READ_WRITE_TOKEN: z.string().optional(),
    CACHE: z.enum(['on', 'off']).default('on'),
    SEND_BATCH: integer(500, 1, 5000),
    SEND_CONNECTIONS: integer(10, 1, 100),
    SEND_PER_SECOND: z.coerce.number().positive().max(100_000).optional(),
    SEND_PER_DAY: z.coerce.number().int().positive().optional(),
    SEND_LEASE_SECONDS: integer(120, 5, 3600),
    SEND_TRIES_MAX: integer(5, 1, 20),
    SEND_RETRY_BASE_SECONDS: integer(60, 1, 3600),
    SMTP_TIMEOUT_SECONDS: integer(60, 1, 600),
  })
  .superRefine((value, context) => {
    if (value.EMAIL_TRANSPORT === 'resend' && !value.RESEND_API_KEY)
      context.addIssue({
        code: 'custom',
        path: ['RESEND_API_KEY'],
        message: 'is needed when EMAIL_TRANSPORT is resend',
      });
    if (value.EMAIL_TRANSPORT === 'smtp' && !value.SMTP_URL && !value.SMTP_HOST)
      context.addIssue({
        code: 'custom',
        path: ['SMTP_URL'],
        message: 'or SMTP_HOST is needed when EMAIL_TRANSPORT is smtp',
      });
  });

export type Env = z.output<typeof settings>;

/** A setting is wrong: the start stops with the names and the reasons, never the values. */
export class SettingsError extends Error {}

/** Parses settings. Empty strings count as unset. Throws {@link SettingsError}. */
export function parseEnv(source: Record<string, string | undefined>): Env {
  const filled = Object.fromEntries(
    Object.entries(source).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = settings.safeParse(filled);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new SettingsError(
    `Wrong settings:\n${reasons.join('\n')}\nSee .env.local.example for what each one takes.`,
  );
}

let parsed: Env | undefined;

/** The settings of this process, parsed once. The only reader of `process.env`. */
export function env(): Env {
  parsed ??= parseEnv(process.env);
  return parsed;
}

/** A build without a database: pages are made as if nothing were there yet, and made again at the first visits. */
export function buildsBlind(): boolean {
  return process.env.NEXT_PHASE === 'phase-production-build' && !env().DATABASE_URL;
}

/** The address links are made with, without a trailing slash. */
export function appUrl(): string {
  return (env().APP_URL ?? `http://localhost:${env().PORT}`).replace(/\/+$/, '');
}

/** The secret that signs sessions and unsubscribe links. Production has to name one. */
export function authSecret(): string {
  const { AUTH_SECRET, NODE_ENV } = env();
  if (AUTH_SECRET) return AUTH_SECRET;
  if (NODE_ENV === 'production')
    throw new SettingsError('Wrong settings:\n  AUTH_SECRET: is needed in production');
  return 'a development secret that protects nothing at all';
}

/** A keyed digest (HMAC-SHA-256) for one purpose; the purpose separates keys so that one kind of token is no other. */
export function keyedDigest(purpose: string, text: string): Buffer {
  return createHmac('sha256', `${purpose}:${authSecret()}`).update(text).digest();
}

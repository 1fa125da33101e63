import { AsyncLocalStorage } from 'node:async_hooks';

// Next's server puts it there before anything of it is loaded; actions and routes called by a test need it too.
Object.assign(globalThis, { AsyncLocalStorage });

/** What every test runs with, whatever the machine's own environment says. */
const settings = {
  AUTH_SECRET: 'a secret of the tests, long enough to be taken',
  CRON_SECRET: 'a cron secret of the tests',
  APP_URL: 'http://localhost:3000',
  EMAIL_TRANSPORT: 'outbox',
  EMAIL_FROM: 'mailroom@sender.example',
};

const others = [
  'DATABASE_URL',
  'DEFAULT_LOCALE',
  'TRUSTED_PROXIES',
  'PORT',
  'CACHE',
  'RESEND_API_KEY',
  'RESEND_BASE_URL',
  'RESEND_WEBHOOK_SECRET',
  'SMTP_URL',
  'SMTP_HOST',
  'SMTP_PORT',
  'SMTP_USER',
  'SMTP_PASSWORD',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'BLOB_READ_WRITE_TOKEN',
];

for (const name of [...others, ...Object.keys(process.env).filter((key) => key.startsWith('SEND_'))])
  delete process.env[name];
Object.assign(process.env, settings);

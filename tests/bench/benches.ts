import type { Ground, Row } from './ground';

type Bench = (ground: Ground) => Promise<Row[]>;

/** Every benchmark by the name that `--only` takes, in the order of the table. */
export const benches: Record<string, () => Promise<Bench>> = {
  open: async () => (await import('./open-run')).benchOpenRun,
  nodemailer: async () => (await import('./send')).benchNodemailer,
  postfix: async () => (await import('./send')).benchPostfix,
  client: async () => (await import('./send')).benchClientAlone,
  resend: async () => (await import('./resend')).benchResend,
  'resend-limit': async () => (await import('./resend-limit')).benchResendLimit,
  ledger: async () => (await import('./ledger')).benchLedger,
  memory: async () => (await import('./memory')).benchMemory,
  front: async () => (await import('./front')).benchFront,
  bare: async () => (await import('./bare')).benchBare,
  weight: async () => (await import('./weight')).benchWeight,
  watched: async () => (await import('./watched')).benchWatched,
  reports: async () => (await import('./reports')).benchReports,
  export: async () => (await import('./reports')).benchExport,
  pages: async () => (await import('./pages')).benchPages,
};

/** What is a part of another, and runs by itself only where it is named. */
export const parts = ['export'];

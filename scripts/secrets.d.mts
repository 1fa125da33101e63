export type Secrets = { AUTH_SECRET: string; CRON_SECRET: string };
export type UpNote = { pid: number; birth: string; port: number; url: string };
export function ensureSecrets(dataDir: string): Secrets;
export function readSecrets(dataDir: string): Secrets | null;
export function readUpNote(dataDir: string): UpNote | null;
export function writeUpNote(dataDir: string, note: UpNote): void;
export function loadEnvFiles(root: string): void;

import { afterAll, inject } from 'vitest';
import { cloneDatabase } from '@/tests/support/database';

// Each test file has a database of its own, so that files run side by side; tests within a file share it.
const { url, drop } = await cloneDatabase(inject('postgresUrl'));
process.env.DATABASE_URL = url;

afterAll(async () => {
  const { closeDatabase } = await import('@/db/client');
  await closeDatabase();
  await drop();
});

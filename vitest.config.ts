import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const root = import.meta.dirname;

const shared = {
  resolve: {
    alias: [{ find: /^@\//, replacement: `${root}/` }],
  },
};

export default defineConfig({
  test: {
    // Most of a file's time is waiting: for a lease, a time-out, a server that says nothing.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['tests/unit/**/*.test.{ts,tsx}'],
          testTimeout: 30_000,
          setupFiles: ['tests/setup/settings.ts', 'tests/setup/console.ts'],
          server: { deps: { inline: ['next-auth', '@auth/core'] } },
        },
      },
      {
        ...shared,
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.{ts,tsx}'],
          globalSetup: ['tests/setup/postgres.ts'],
          setupFiles: ['tests/setup/settings.ts', 'tests/setup/console.ts', 'tests/setup/database.ts'],
          server: { deps: { inline: ['next-auth', '@auth/core'] } },
          testTimeout: 30_000,
          // Tests that run side by side start processes that load the whole engine.
          maxConcurrency: 2,
          hookTimeout: 30_000,
        },
      },
    ],
  },
});

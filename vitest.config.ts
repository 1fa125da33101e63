import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const root = import.meta.dirname;

const shared = {
  resolve: {
    alias: [{ find: /^@\//, replacement: `${root}/` }],
  },
};

/** Vitest begins with the largest files. This one is small and takes longest, most of it waiting: begun last, it would be waited for alone. */
class ChaosFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const isChaos = ({ moduleId }: TestSpecification) => moduleId.endsWith('/chaos.test.ts');
    const sorted = await super.sort(files);
    return [...sorted.filter(isChaos), ...sorted.filter((file) => !isChaos(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: ChaosFirst },
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

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    expect: { requireAssertions: true },
    testTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['contract/**/*.ts', 'model/**/*.ts', 'impl/**/*.ts', 'properties/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { statements: 95, branches: 92 },
    },
  },
});

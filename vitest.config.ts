import { defineConfig } from 'vitest/config';

/** The package by its own name, as a user's suite imports it; here the sources. */
const alias = {
  'vmlockstep/contract': new URL('public/contract.ts', import.meta.url).pathname,
  vmlockstep: new URL('public/index.ts', import.meta.url).pathname,
};

export default defineConfig({
  resolve: { alias },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/built.ts',
    expect: { requireAssertions: true },
    testTimeout: 60_000,
    // By default one core is left idle, which on two cores doubles the time.
    maxWorkers: '100%',
    coverage: {
      provider: 'v8',
      include: ['contract/**/*.ts', 'model/**/*.ts', 'impl/**/*.ts', 'properties/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { statements: 95, branches: 92 },
    },
  },
});

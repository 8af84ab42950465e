import { defineConfig } from 'vitest/config';

/** The package by its own name, as a user's suite imports it; here the sources. */
const alias = {
  'vmlockstep/contract': new URL('public/contract.ts', import.meta.url).pathname,
  vmlockstep: new URL('public/index.ts', import.meta.url).pathname,
};

export default defineConfig(({ mode }) => ({
  resolve: { alias },
  test: {
    // What takes minutes runs apart, with npm run test:long: in .ci/run, and whenever generators or properties change.
    include: mode === 'long' ? ['test/**/*.long.ts'] : ['test/**/*.test.ts'],
    // No module keeps a state that a test could leave behind; loading each anew for each file costs a tenth of the time.
    isolate: false,
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
}));

import { defineConfig } from 'vitest/config'

// Tests import the packages by name, so what runs is the built code in dist, the code that ships.
export default defineConfig({
  test: {
    include: ['unit', 'kernel', 'e2e', 'chaos', 'conformance', 'long'].map(
      (folder) => `${folder}/**/*.test.ts`,
    ),
    // Of an editor; `npm test` has its own (runner/test-process.mjs).
    pool: 'forks',
    // Loaded by node as they are, instead of each module being transformed again in each run.
    server: { deps: { external: [/\/(sdk|host|drivers\/[^/]+|test)\/dist\//] } },
    // Those that run at the same time mostly wait.
    maxConcurrency: 5,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 5_000,
  },
})

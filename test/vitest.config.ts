import { defineConfig } from 'vitest/config'

// Tests import the packages by name, so what runs is the built code in dist, the code that ships.
export default defineConfig({
  test: {
    include: ['unit/**/*.test.ts', 'kernel/**/*.test.ts', 'e2e/**/*.test.ts', 'chaos/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 5_000,
  },
})

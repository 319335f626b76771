import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "{libs,servers,tools,web}/*/{src,test}/**/*.test.{ts,tsx}",
      "{conformance,e2e,bench,scripts}/**/*.test.ts",
    ],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    passWithNoTests: false,
    // Real browsers, encoders and peers share two cores in CI. What passes only the second time is reported as flaky.
    retry: process.env.CI ? 1 : 0,
  },
});

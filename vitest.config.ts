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
  },
});

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { entries, internals } from "./scripts/entries.mjs";
import { engineFlags } from "./scripts/flags.mjs";

const exactly = (name: string) => new RegExp(`^${name.replace(/[#/]/g, "\\$&")}$`);

// Tests run on the sources: `longshort`, its subpaths and `#platform` mean src/, not dist/.
const alias = [...entries, ...internals].map(({ name, source }) => ({
  find: exactly(name),
  replacement: fileURLToPath(new URL(source, import.meta.url)),
}));

export default defineConfig({
  resolve: {
    alias: [
      ...alias,
      { find: /^fast-check$/, replacement: fileURLToPath(new URL("test/support/fast-check.ts", import.meta.url)) },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    pool: "forks",
    maxWorkers: 2,
    execArgv: engineFlags(),
    setupFiles: ["test/support/silence.ts"],
    reporters: ["default", "./scripts/summary-reporter.mjs"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // A page on a busy machine is waited for, as any test is.
    expect: { poll: { timeout: 30_000 } },
  },
});

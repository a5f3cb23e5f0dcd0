/** `npm test`: installs and builds when needed, runs vitest, and ends with the line `N passed, N failed, N skipped`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureBuilt, ensureInstalled, orExit, root } from "./bootstrap.mjs";

function timed(name, step) {
  const start = performance.now();
  step();
  return `${name} ${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/** The skipped tests, those with one reason together. */
function printSkipped(skipped) {
  const byReason = new Map();
  for (const { name, reason } of skipped) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  for (const [reason, names] of byReason) {
    console.log(`skipped: ${reason}`);
    for (const name of names) console.log(`  ${name}`);
  }
}

const folder = mkdtempSync(path.join(tmpdir(), "longshort-test-"));
const file = path.join(folder, "summary.json");
const times = [];
const failures = [];

orExit(() => times.push(timed("install", ensureInstalled)));

// The tests run on the sources, so they have something to say even when these do not compile.
try {
  times.push(timed("build", ensureBuilt));
} catch (error) {
  failures.push(`build: ${error.message}`);
}

const vitest = [path.join(root, "node_modules", "vitest", "vitest.mjs"), "run", ...process.argv.slice(2)];
const env = { ...process.env, LONGSHORT_TEST_SUMMARY: file };
let status;
times.push(
  timed("tests", () => {
    ({ status } = spawnSync(process.execPath, vitest, { cwd: root, stdio: ["ignore", "inherit", "inherit"], env }));
  }),
);

let summary = { passed: 0, skipped: [], failures: ["vitest ended without a result"] };
try {
  summary = JSON.parse(readFileSync(file, "utf8"));
} catch {
  // Kept as it is: without a result nothing passed.
}
rmSync(folder, { recursive: true, force: true });

const { passed, skipped } = summary;
failures.push(...summary.failures);
console.log(times.join(", "));
printSkipped(skipped);
for (const name of failures) console.log(`failed: ${name}`);
process.exitCode = failures.length > 0 || passed === 0 || status !== 0 ? 1 : 0;
console.log(`${passed} passed, ${failures.length} failed, ${skipped.length} skipped`);

/**
 * The V8 flags that let WebAssembly run at full speed, by version of Node.
 *
 * V8 reads them when a process starts, and NODE_OPTIONS refuses them, so whoever starts Node has to pass them: `npm start`, the tests,
 * the benchmark and the command line all ask this module. The library itself never sets a flag.
 */
import { spawnSync } from "node:child_process";

/** @type {readonly { flag: string, from: number, until: number, why: string }[]} */
const candidates = [
  {
    flag: "--experimental-wasm-relaxed-simd",
    from: 20,
    until: 22,
    why: "fused multiply-add; newer versions have it without a flag",
  },
  {
    flag: "--experimental-wasm-revectorize",
    from: 24,
    until: Number.POSITIVE_INFINITY,
    why: "joins neighbouring 128-bit operations into 256-bit ones",
  },
];

/** Whether the Node at `execPath` starts with `flag`; an unknown flag makes Node stop with status 9. */
function starts(execPath, flag) {
  return spawnSync(execPath, [flag, "--eval", "0"], { stdio: "ignore" }).status === 0;
}

/**
 * Flags to start Node with.
 *
 * A later version may drop a flag, so each one is tried once before it is returned (about 40 ms for the one flag that applies).
 *
 * @param {{ execPath?: string, version?: string }} [node] the Node to start; by default the one that runs.
 * @returns {string[]} the flags to put before the script; empty when none applies.
 */
export function engineFlags({ execPath = process.execPath, version = process.versions.node } = {}) {
  if (process.versions.bun || process.versions.deno) return [];
  const major = Number.parseInt(version, 10);
  return candidates
    .filter(({ from, until }) => major >= from && major < until)
    .map(({ flag }) => flag)
    .filter((flag) => process.execArgv.includes(flag) || starts(execPath, flag));
}

/**
 * Whether this process was started with every flag that it should have.
 *
 * @returns {boolean} true also where no flag applies.
 */
export function hasEngineFlags() {
  return engineFlags().every((flag) => process.execArgv.includes(flag));
}

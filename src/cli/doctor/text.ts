import { formatBytes } from "../../shared/shapes.ts";
import type { Diagnosis } from "../doctor.ts";
import { counted, table, wholePercent } from "../format.ts";

const PAGES =
  "A page has threads only when it is cross-origin isolated, that is, served with\n  Cross-Origin-Opener-Policy: same-origin\n  Cross-Origin-Embedder-Policy: require-corp\nWithout these headers everything works on one thread.";

/** A diagnosis for people. */
export function doctorText(d: Diagnosis, program: string): string {
  const rows: string[][] = [
    ["longshort", `${d.version}, ${d.host}, ${d.platform}`],
    ["processor", `${d.processor}, ${counted(d.cores, "thread")}, load ${d.load.toFixed(1)}`],
    ["memory", `${formatBytes(d.memory.totalBytes)}, ${formatBytes(d.memory.freeBytes)} free`],
    ["engine flags", flagsOf(d)],
    ["vectors", d.wasm.simd ? "128 bits (SIMD)" : "none: WebAssembly without SIMD cannot run the machine"],
    ["multiply-add", fusedOf(d)],
    [
      "8-bit weights",
      d.wasm.dotsChosen
        ? "multiplied as they are (relaxed SIMD)"
        : `widened to 16 bits before they are multiplied${d.wasm.dots ? ": faster here than relaxed SIMD" : ""}`,
    ],
    ["wide kernels", tilesOf(d)],
    ["shared memory", d.wasm.sharedMemory ? "yes" : "no: one thread"],
    ...(d.machine
      ? [
          [
            "machine",
            `wasm: ${counted(d.machine.threads, "thread")}, family ${d.machine.family}, up to ${formatBytes(d.machine.bytes)}`,
          ],
        ]
      : []),
    ...(d.error ? [["machine", `does not work: ${d.error}`]] : []),
    ...(d.speed ? speedOf(d.speed) : []),
    ["self-test", selfTestOf(d)],
  ];
  const aligned = rows.map(([name, value]) => `${name!.padEnd(13)}  ${value}`);
  const failures = d.selfTest.checks.filter(({ passed }) => !passed);
  const list = failures.map((c) => [
    `  ${c.name}`,
    c.difference.toExponential(1),
    `allowed ${c.allowed.toExponential(0)}`,
  ]);
  const hint = d.flags.some(({ given }) => !given)
    ? `\nOur commands start Node with these flags by themselves; a program of your own does it with\n  node ${d.flags.map(({ flag }) => flag).join(" ")} program.js\n`
    : "";
  const help =
    failures.length > 0
      ? `\nResults of this machine are wrong. Report it with the output of \`${program} doctor --json\`.\n`
      : "";
  return `${aligned.join("\n")}\n${list.length > 0 ? `${table(list)}\n` : ""}${help}${hint}\n${PAGES}\n`;
}

function flagsOf({ flags, host }: Diagnosis): string {
  if (flags.length === 0) return `none that ${host} takes make it faster`;
  return flags.map(({ flag, given }) => `${flag} (${given ? "given" : "not given"})`).join(", ");
}

function fusedOf({ wasm }: Diagnosis): string {
  return wasm.fused
    ? "fused, rounded once (relaxed SIMD)"
    : "multiply, then add: this engine has no multiply-add that rounds once, so products take twice the operations";
}

function tilesOf({ wasm: { tiles } }: Diagnosis): string {
  if (!tiles) return "no";
  if (!tiles.asked)
    return "no: the process was not started with --experimental-wasm-revectorize (Node 24 and later), so they were not tried";
  const { narrow, wide } = tiles.rates!;
  const rates = `wide tiles reached ${gflops(wide)} GFLOP/s, narrow ones ${gflops(narrow)}`;
  if (tiles.right === false) return `no: this engine gets other results with them, so they are not used (${rates})`;
  return tiles.wide ? `yes: ${rates}` : `no: ${rates}, so joining vectors to 256 bits does not pay here`;
}

const gflops = (rate: number): string => (rate / 1e9).toFixed(0);

function speedOf(speed: NonNullable<Diagnosis["speed"]>): string[][] {
  const share = `${wholePercent(speed.share)} of the ${speed.limitGflops.toFixed(0)} that registers alone reach`;
  const reading = Object.entries(speed.readingGBs).map(([size, rate]) => `${size}: ${rate.toFixed(0)}`);
  return [
    ["speed", `${speed.gflops.toFixed(0)} GFLOP/s in products on one thread, ${share}`],
    ["bandwidth", `${reading.join(", ")} GB/s on one thread`],
    [
      "JavaScript",
      `Math.exp takes ${speed.exponentialNs.after.toFixed(0)} ns after a kernel, ${speed.exponentialNs.before.toFixed(0)} before any ran`,
    ],
  ];
}

function selfTestOf({ selfTest: { passed, checks } }: Diagnosis): string {
  if (checks.length === 0) return "not run";
  const worst = checks.reduce((a, b) => (b.difference / b.allowed > a.difference / a.allowed ? b : a));
  const wrong = checks.filter((check) => !check.passed).length;
  const count = `${checks.length} comparisons with the float64 reference`;
  return passed
    ? `passed: ${count}, largest difference ${worst.difference.toExponential(1)} where ${worst.allowed.toExponential(0)} is allowed`
    : `FAILED: ${wrong} of ${count}`;
}

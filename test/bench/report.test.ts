import { describe, expect, test } from "vitest";
import { outcome } from "../../bench/child.mjs";
import { figure } from "../../bench/figure.mjs";
import { growthPoints, growthRow } from "../../bench/growth.mjs";
import { parse } from "../../bench/options.mjs";
import { peerCommand, threadsOf } from "../../bench/peers.mjs";
import { growthPlot } from "../../bench/plot.mjs";
import { combine, failed, rowsOf } from "../../bench/rows.mjs";
import { markdown, sayRow, time } from "../../bench/table.mjs";

const about = { processor: "a processor", cores: 2, engine: "node" };
const result = (medianMs: number, agree: number[], more = {}) => ({
  ...{ version: "1.0", node: "v24.0.0", medianMs, cpuMs: medianMs, within: 0.1, agree, ...more },
});
const run = (system: string, threads: number, ...results: object[]) => combine({ system, threads, results });

const ours = [
  run(
    ...(["longshort", 1] as const),
    result(10, [1, 2], { family: "fused", wide: true, limit: { share: 0.8, gflops: 80, limitGflops: 100 } }),
    result(12, [1, 2], { limit: { share: 0.6, gflops: 66, limitGflops: 110 } }),
    result(11, [1, 2], { limit: { share: 0.7, gflops: 70, limitGflops: 100 } }),
  ),
  run("longshort", 2, result(6, [1, 2]), result(5, [1, 2])),
];

describe("rows", () => {
  const rows = rowsOf({
    ...{ name: "char-lstm", ours, about },
    peers: [
      {
        system: "pytorch",
        runs: [run("pytorch", 1, result(20, [1, 2.00001]), result(22, [1, 2])), run("pytorch", 2, result(40, [1, 2]))],
      },
      { system: "brain.js", error: "npm could not install brain.js", runs: [] },
    ],
  });

  test("one a system and number of our threads, with what was promised", () => {
    expect(rows.map(({ system, threads }) => [system, threads])).toEqual([
      ...[
        ["longshort", 1],
        ["pytorch", 1],
        ["brain.js", 1],
      ],
      ...[
        ["longshort", 2],
        ["pytorch", 2],
        ["brain.js", 2],
      ],
    ]);
    expect(rows[0]).toMatchObject({ case: "char-lstm", version: "1.0", node: "v24.0.0", medianMs: 11, cpuMs: 11 });
    expect(rows[0]!.spread).toBeCloseTo(2 / 11);
    // Limit and rate of one round: the one whose share is in the middle.
    expect(rows[0]).toMatchObject({ share: 0.7, gflops: 70, limitGflops: 100 });
    expect(rows[3]).not.toHaveProperty("share");
    // The peer's best setting, its median over ours.
    expect(rows[1]).toMatchObject({ peerThreads: 1, medianMs: 22, ratio: 2, agrees: true, processor: "a processor" });
    expect(rows[4]!.ratio).toBeCloseTo(22 / 6);
    expect(rows[2]).toMatchObject({ error: "npm could not install brain.js" });
    expect(rows[2]).not.toHaveProperty("medianMs");
  });

  test("an error fails the command, different results do, good ones do not", () => {
    expect(failed(rows)).toBe(true);
    expect(failed(rows.filter((row) => !row.error))).toBe(false);
    const wrong = rowsOf({
      ...{ name: "gemm", ours, about },
      peers: [{ system: "pytorch", runs: [run("pytorch", 1, result(20, [1, 2.1]))] }],
    });
    expect(wrong[1]).toMatchObject({ agrees: false, peerThreads: 1 });
    expect(failed(wrong)).toBe(true);
    expect(sayRow(wrong[1])).toContain("RESULTS DIFFER by 4.8e-2");
  });

  test("a peer that fails in one setting counts with the other; ours that fails gives no ratio", () => {
    const broken = run("longshort", 2, { error: "out of memory" });
    const rows = rowsOf({
      ...{ name: "gemm", ours: [ours[0]!, broken], about },
      peers: [
        {
          system: "onnxruntime-web",
          runs: [run("onnxruntime-web", 1, { error: "no" }), run("onnxruntime-web", 2, result(30, [1, 2]))],
        },
      ],
    });
    expect(rows[1]).toMatchObject({ peerThreads: 2, ratio: 30 / 11 });
    expect(rows[2]).toMatchObject({ error: "out of memory" });
    expect(rows[3]).toMatchObject({ ratio: null, agrees: null });
  });

  test("beside its best setting a peer's time on as many threads as ours, where it was measured as often", () => {
    const rowsBeside = (...more: object[]) =>
      rowsOf({
        ...{ name: "stream-64", ours, about },
        peers: [
          {
            system: "onnxruntime-node",
            runs: [
              run("onnxruntime-node", 1, result(33, [1, 2]), ...more),
              run("onnxruntime-node", 2, result(20, [1, 2]), result(22, [1, 2])),
            ],
          },
        ],
      });
    const [, one, , two] = rowsBeside(result(33, [1, 2]));
    expect(one).toMatchObject({ peerThreads: 2, medianMs: 22, sameThreadsMs: 33, sameThreadsRatio: 3 });
    expect(sayRow(one)).toContain("ratio 2.00 to ours on 1 thread; on 1 thread like ours 33 ms → 3.00");
    expect(
      markdown([
        { case: "x", system: "longshort", threads: 1, medianMs: 11 },
        { ...one, case: "x" },
      ]),
    ).toContain("| 2.00 × | 3.00 × |");
    expect(two).not.toHaveProperty("sameThreadsMs");
    expect(rowsBeside()[1]).not.toHaveProperty("sameThreadsMs");
  });

  test("as lines, as a table, as bars", () => {
    expect(sayRow(rows[0])).toContain("70 GFLOP/s, 70 % of 100");
    expect(sayRow(rows[1])).toMatch(/pytorch .*22 ms.*on 1 thread → ratio 2\.00 to ours on 1 thread/);
    expect(sayRow(rows[2])).toContain("ERROR npm could not");
    const table = markdown(rows).split("\n");
    expect(table[0]).toBe(
      "| case | ours, 1 thread | ours, 2 threads | of the limit | beside | its best | ratio, 1 thread | ratio, 2 threads | one thread each |",
    );
    expect(table[2]).toBe("| `char-lstm` | 11 ms | 6 ms | 70 % | pytorch | 22 ms | 2.00 × | 3.67 × | 2.00 × |");
    expect(table[3]).toBe("|  |  |  |  | brain.js | npm could not install brain.js |  |  |  |");
    const svg = figure(rows);
    expect(svg).toContain("char-lstm, pytorch</text>");
    expect(svg).toContain("2 × (22 ms : 11 ms)</text>");
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg.match(/<rect class="ours"/g)).toHaveLength(2); // one bar and the legend
    expect(figure([])).toContain("</svg>");
  });
});

test("times in the unit that suits them", () => {
  expect([0.00163, 0.5, 11.04, 1234, 20_900, null].map(time)).toEqual([
    ...["1.63 µs", "500 µs", "11 ms", "1,230 ms", "20.9 s", "–"],
  ]);
});

test("growth: beside the formula, memory a step, and a plot", () => {
  const points = growthPoints().map((point) => {
    const gflop = (point.H / 256) ** 2 * (point.T / 64) * (point.B / 32);
    return {
      ...point,
      gflop,
      medianMs: 20 * gflop,
      cpuMs: 20 * gflop,
      bytes: 1000 + 4096 * point.T,
      version: "1",
      node: "v24",
    };
  });
  const slow = points.map((p) => (p.B === 1 ? { ...p, medianMs: 3 * p.medianMs, cpuMs: 3 * p.cpuMs } : p));
  const row = growthRow({ name: "growth", threads: 1, about, points: slow, refused: "needs 5 GiB" });
  expect(row).toMatchObject({ case: "growth", system: "longshort", medianMs: 20, bytesPerStep: 4096 });
  expect(row.points!.find((p: { B: number }) => p.B === 1)!.timesFormula).toBeCloseTo(3);
  expect(row.summary).toContain("at most 3.00 × the formula (H 256, T 64, B 1)");
  const svg = growthPlot([row]);
  expect(svg.match(/<circle/g)).toHaveLength(points.length + 2); // the first point is in each of three panels
  expect(svg).not.toContain("NaN");
  const bad = growthRow({
    ...{ name: "growth", threads: 1, about },
    points: [{ ...points[0]!, error: "no" }],
    refused: undefined,
  });
  expect(bad).toMatchObject({ error: "H 256, T 64, B 32: no" });
});

test("what a process printed: its last line, or one line of what went wrong", () => {
  const ended = { code: 0, signal: null, stderr: "" };
  expect(outcome({ ...ended, stdout: 'noise\n{"medianMs":1}\n' })).toEqual({ medianMs: 1 });
  expect(outcome({ ...ended, stdout: "not JSON" }).error).toContain("not JSON");
  const stack = "file.js:3\n  throw x;\n\nTypeError: x is not good\n    at f (file.js:3)\n\nNode.js v24";
  expect(outcome({ ...ended, code: 1, stdout: "", stderr: stack })).toEqual({ error: "TypeError: x is not good" });
  expect(outcome({ ...ended, code: null, signal: "SIGKILL", stdout: "" }).error).toContain("no result after");
  expect(outcome({ ...ended, code: 3, stdout: "" }).error).toBe("ended with exit code 3");
});

test("words of the command", () => {
  expect(parse(["--case", "gemm,stream-64", "--rounds", "2"])).toMatchObject({
    cases: ["gemm", "stream-64"],
    rounds: 2,
  });
  expect(parse([])).toMatchObject({ threads: [1, 2], peers: true, node: "24", engine: "node", avx2: false });
  expect(peerCommand("pytorch", "data", 1, parse([])).env).not.toHaveProperty("ATEN_CPU_CAPABILITY");
  expect(peerCommand("pytorch", "data", 1, parse(["--pytorch-avx2"])).env).toMatchObject({
    ATEN_CPU_CAPABILITY: "avx2",
  });
  expect(() => parse(["--case", "lstm"])).toThrow(/there is no "lstm"; there are char-lstm/);
  expect(() => parse(["--rounds", "0"])).toThrow(/--rounds: expected a whole number from 1 on/);
  expect(() => parse(["--engine", "v8"])).toThrow(/node or chromium/);
  expect(() => parse(["--bogus"])).toThrow(/bogus/);
});

test("a peer is tried with one thread, with two and with as many as ours, unless it has only one", () => {
  expect(threadsOf("pytorch", [1, 2])).toEqual([1, 2]);
  expect(threadsOf("onnxruntime-node", [16, 4])).toEqual([1, 2, 4, 16]);
  expect(threadsOf("brain.js", [8])).toEqual([1]);
});

/**
 * The case `growth`: a training step of one LSTM layer (V 65, input as wide as H) from H 256, T 64, B 32, one of them varied at a time. Time
 * is compared with the formula: operations of the step at the rate of the step that they start from. Memory is what all arenas take.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { operationsOf } from "../dist/cli/bench/cases.js";
import { measureIn } from "./child.mjs";
import { withData } from "./data.mjs";
import { growthPlot } from "./plot.mjs";
import { spent } from "./spent.mjs";
import { time } from "./table.mjs";

const base = { H: 256, T: 64, B: 32 };
const axes = { H: [64, 128, 256, 512, 1024], T: [16, 64, 256, 1024, 4096], B: [1, 4, 16, 32, 64, 256] };
/** Needs more than a 32-bit memory has: it has to be refused, with its size. */
const TOO_LARGE = { ...base, T: 65536 };
const work = ({ H, T, B }) => ({ kind: "train", cell: "lstm", V: 65, E: H, H, L: 1, B, T });

/** All points, the one they start from first and once. */
export function growthPoints() {
  const varied = Object.entries(axes).flatMap(([axis, values]) =>
    values.filter((value) => value !== base[axis]).map((value) => ({ axis, ...base, [axis]: value })),
  );
  return [{ axis: "base", ...base }, ...varied];
}

export async function measureGrowth({ name, engine, threads, about }) {
  const rows = [];
  for (const count of threads) {
    const points = [];
    for (const point of growthPoints()) points.push(await measurePoint(engine, point, count));
    const refused = count === threads[0] ? (await measurePoint(engine, TOO_LARGE, count)).error : undefined;
    rows.push(growthRow({ name, threads: count, about, points, refused }));
  }
  const plot = fileURLToPath(new URL("growth.svg", import.meta.url));
  writeFileSync(plot, growthPlot(rows));
  console.log(`plot: ${plot}`);
  return rows;
}

async function measurePoint(engine, { axis = "T", H, T, B }, threads) {
  return withData(work({ H, T, B }), async (data) => {
    const { error, medianMs, cpuMs, bytes, version, node } = await measureIn(engine.case(data, threads));
    const size = { axis, H, T, B, gflop: operationsOf(work({ H, T, B })) / 1e9 };
    return error ? { ...size, error } : { ...size, medianMs, cpuMs, bytes, version, node };
  });
}

/** One row of the report. `timesFormula`: measured time over the formula's; `bytesPerStep`: of memory, from the two largest T. */
export function growthRow({ name, threads, about, points, refused }) {
  const common = { case: name, system: "longshort", threads, ...about };
  const [start] = points;
  const bad = points.find((point) => point.error);
  if (bad) return { ...common, error: `H ${bad.H}, T ${bad.T}, B ${bad.B}: ${bad.error}` };
  const rate = start.gflop / spent(start, threads);
  const told = points.map((point) => ({ ...point, timesFormula: (spent(point, threads) * rate) / point.gflop }));
  const [a, b] = points.filter((point) => point.axis === "T").slice(-2);
  const bytesPerStep = (b.bytes - a.bytes) / (b.T - a.T);
  const worst = told.reduce((x, y) => (y.timesFormula > x.timesFormula ? y : x));
  const summary = [
    `${time(spent(start, threads))} at H 256, T 64, B 32 (${(1000 * rate).toFixed(0)} GFLOP/s)`,
    `at most ${worst.timesFormula.toFixed(2)} × the formula (H ${worst.H}, T ${worst.T}, B ${worst.B})`,
    `memory ${(bytesPerStep / (4 * start.H * start.B)).toFixed(1)} numbers a step, example and unit`,
    ...(refused ? [`T ${TOO_LARGE.T}: ${refused}`] : []),
  ].join("; ");
  return {
    ...{ ...common, version: start.version, node: start.node, medianMs: start.medianMs, cpuMs: start.cpuMs, spread: 0 },
    ...{ points: told, bytesPerStep, refused: refused ?? null, summary },
  };
}

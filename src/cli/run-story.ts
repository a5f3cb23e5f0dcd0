import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { RUN_FORMAT, runPaths } from "../checkpoint/run-folder.ts";
import { damaged, parseJson, parseJsonLines } from "../checkpoint/run-json.ts";
import { UsageError } from "../shared/errors.ts";
import type { MonitoredMetric } from "../train/best.ts";

/** A measured value with the update it was measured at. */
export type Point = readonly [step: number, value: number];

/** What is known of the weights that were kept: a measurement that was better than all before it, or without validation the last. */
export interface Best extends MonitoredMetric {
  /** Of the metric that decided. */
  readonly value: number;
  /** Undefined where none was measured. */
  readonly loss: number | undefined;
  readonly step: number;
  readonly epoch: number;
  /** What it was measured on. */
  readonly of: "validation" | "training";
}

/** What a run folder tells without its weights: enough for `info`, `runs` and `compare`. */
export interface RunStory {
  readonly folder: string;
  /** Task of the command that made it; undefined for a run that a program saved. */
  readonly task: string | undefined;
  readonly model: Readonly<Record<string, unknown>>;
  /** Everything it was trained with: the settings of the schema. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of the last start event; empty where there is none. */
  readonly start: Readonly<Record<string, number>>;
  readonly best: Best | undefined;
  readonly step: number;
  readonly epoch: number;
  /** Of all steps, without the validations. */
  readonly seconds: number | undefined;
  /** "done", "aborted", …; undefined while it runs, or after it was killed. */
  readonly ended: string | undefined;
  /** When it was last written to. */
  readonly changed: Date;
  readonly curves: Readonly<Record<CurveName, readonly Point[]>>;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

export const CURVES = ["validation loss", "training loss", "learning rate", "gradient norm", "speed"] as const;
export type CurveName = (typeof CURVES)[number];

type Line = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Line =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const numberIn = (line: Line, key: string): number | undefined => {
  const value = line[key];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
};

/** Whether a folder holds a run, by its config.json. */
export function isRun(folder: string): boolean {
  try {
    return (JSON.parse(readFileSync(runPaths(folder).config, "utf8")) as Line | null)?.format === RUN_FORMAT;
  } catch {
    return false;
  }
}

/** @throws UsageError "not-a-run", FailureError "bad-run" */
export function readStory(folder: string): RunStory {
  const paths = runPaths(folder);
  if (!existsSync(paths.config))
    throw new UsageError(
      "not-a-run",
      `${folder}: expected the folder of a run, as training makes it; there is no ${paths.config}`,
    );
  const config = parseJson(paths.config, readFileSync(paths.config, "utf8"));
  if (!isObject(config) || config.format !== RUN_FORMAT || !isObject(config.model))
    throw damaged(paths.config, `expected "format": "${RUN_FORMAT}" and "model" as an object in it`);
  const lines = readMetrics(paths.metrics);
  const of = (type: string): Line[] => lines.filter((line) => line.type === type);
  const start = of("start").at(-1) ?? {};
  const last = lines.findLast((line) => numberIn(line, "step") !== undefined);
  const end = lines.at(-1)?.type === "end" ? lines.at(-1) : undefined;
  return {
    folder,
    task: typeof config.task === "string" ? config.task : undefined,
    model: config.model,
    settings: isObject(config.training) ? config.training : {},
    start: Object.fromEntries(Object.entries(start).filter(([, value]) => typeof value === "number")) as Record<
      string,
      number
    >,
    best: bestOf(lines, start),
    step: last === undefined ? 0 : numberIn(last, "step")!,
    epoch: lines.reduce((most, line) => Math.max(most, numberIn(line, "epoch") ?? 0), 0),
    seconds: end === undefined ? spent(of("epoch")) : numberIn(end, "seconds"),
    ended: end === undefined ? undefined : String(end.reason),
    changed: statSync(existsSync(paths.metrics) ? paths.metrics : paths.config).mtime,
    curves: curvesOf(lines),
    files: filesIn(folder),
  };
}

const spent = (epochs: readonly Line[]): number | undefined =>
  epochs.length === 0 ? undefined : epochs.reduce((sum, line) => sum + (numberIn(line, "seconds") ?? 0), 0);

const LOSS: MonitoredMetric = { metric: "loss", mode: "min" };

function bestOf(lines: readonly Line[], start: Line): Best | undefined {
  const found = lines.findLast((line) => line.best === true);
  if (found === undefined) return undefined;
  const measured = isObject(found.metrics) ? found.metrics : undefined;
  const loss = measured ? numberIn(measured, "loss") : numberIn(found, "trainLoss");
  // Runs of versions before this one do not say what decided.
  const { metric, mode } = measured && isObject(start.monitor) ? (start.monitor as unknown as MonitoredMetric) : LOSS;
  const value = metric === "loss" ? loss : numberIn(measured!, metric);
  if (value === undefined) return undefined;
  return {
    ...{ metric, mode, value, loss, of: measured ? "validation" : "training" },
    ...{ step: numberIn(found, "step") ?? 0, epoch: numberIn(found, "epoch") ?? 0 },
  };
}

function curvesOf(lines: readonly Line[]): Record<CurveName, Point[]> {
  const curve = (...keys: readonly string[]): Point[] => {
    // A resumed training tells again what came after its checkpoint: the last word on a step counts.
    const points = new Map<number, number>();
    for (const line of lines) {
      const step = numberIn(line, "step");
      const value = keys.map((key) => numberIn(line, key)).find((one) => one !== undefined);
      if (step !== undefined && value !== undefined) points.set(step, value);
    }
    return [...points].sort(([a], [b]) => a - b);
  };
  return {
    "validation loss": curve("validationLoss"),
    "training loss": curve("loss"),
    "learning rate": curve("learningRate"),
    "gradient norm": curve("gradientNorm"),
    speed: curve("itemsPerSecond", "tokensPerSecond"),
  };
}

/** The events of a training. */
const readMetrics = (path: string): Line[] =>
  existsSync(path) ? parseJsonLines(path, readFileSync(path, "utf8")).filter(isObject) : [];

function filesIn(folder: string): { name: string; bytes: number }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      // A training that goes on meanwhile gives files their names when they are whole.
      const bytes = statSync(path, { throwIfNoEntry: false })?.size;
      return bytes === undefined ? [] : [{ name: path.slice(join(folder, "/").length), bytes }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

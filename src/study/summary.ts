import type { TrialResult } from "./trial.ts";

/** A finished trial, as it is kept. */
export interface TrialRecord extends TrialResult {
  readonly task: string;
  readonly cell: string;
  readonly seed: number;
  readonly cpuSeconds: number;
}

/** All trials of a cell on a task. */
export interface CellSummary {
  readonly cell: string;
  readonly parameters: number;
  readonly trials: number;
  readonly solved: number;
  readonly diverged: number;
  /** Of the trials that succeeded. */
  readonly sequences?: { readonly median: number; readonly least: number; readonly most: number };
  /** Mean over all trials. */
  readonly error: number;
  /** Of languages: median over the trials that succeeded. */
  readonly reach?: number;
  readonly cpuSeconds: number;
  /** [sequences, error]: mean over all trials; one that has ended stays where it ended. */
  readonly curve: readonly (readonly [number, number])[];
  /** ‖∂L/∂h_t‖ by lag, mean over the trials that have it. */
  readonly gradients?: { readonly start: readonly number[]; readonly trained: readonly number[] };
}

/** @param records trials of one cell on one task, at least one */
export function summarize(records: readonly TrialRecord[]): CellSummary {
  const solved = records.filter((one) => one.solved);
  const counts = solved.map(({ sequences }) => sequences).sort((a, b) => a - b);
  const reaches = solved.flatMap(({ reach }) => (reach === undefined ? [] : [reach])).sort((a, b) => a - b);
  const flows = records.flatMap(({ gradients }) => (gradients ? [gradients] : []));
  const { cell, parameters } = records[0]!;
  return {
    ...{ cell, parameters, trials: records.length, solved: solved.length },
    diverged: records.filter(({ diverged }) => diverged).length,
    ...(counts.length > 0 && { sequences: { median: median(counts), least: counts[0]!, most: counts.at(-1)! } }),
    error: mean(records.map(({ error }) => error)),
    ...(reaches.length > 0 && { reach: median(reaches) }),
    cpuSeconds: records.reduce((sum, one) => sum + one.cpuSeconds, 0),
    curve: meanCurve(records.map(({ curve }) => curve)),
    ...(flows.length > 0 && {
      gradients: {
        start: meanByPlace(flows.map(({ start }) => start)),
        trained: meanByPlace(flows.map(({ trained }) => trained)),
      },
    }),
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of an ascending list. */
const median = (values: readonly number[]): number =>
  mean([values[(values.length - 1) >> 1]!, values[values.length >> 1]!]);

const meanByPlace = (rows: readonly (readonly number[])[]): number[] =>
  rows[0]!.map((_, k) => mean(rows.map((row) => row[k]!)));

function meanCurve(curves: TrialResult["curve"][]): [number, number][] {
  const longest = curves.reduce((a, b) => (b.length > a.length ? b : a));
  return longest.map(([sequences], k) => [
    sequences,
    mean(curves.flatMap((curve) => curve[Math.min(k, curve.length - 1)]?.[1] ?? [])),
  ]);
}

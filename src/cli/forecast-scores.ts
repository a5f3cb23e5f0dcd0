import type { Backtest, BacktestRow } from "../run/backtest.ts";
import { counted, percent, table } from "./format.ts";
import type { Output } from "./io.ts";

const number = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? "–" : value.toPrecision(4);

/** A table for each column, the model first; and in words how it stands beside the best of the others. */
export function backtestText({ rows, origins, stride }: Backtest, part: string, out: Output): string {
  const targets = Object.keys(rows[0]!.scores);
  return [
    `Backtest on ${part}, from ${counted(origins, "origin")}, ${counted(stride, "step")} apart:`,
    ...targets.map((target) => tableOf(rows, target, out)),
    ...summary(rows, targets),
  ].join("\n");
}

/** Of how many columns the model beats all simple methods. */
function summary(rows: readonly BacktestRow[], targets: readonly string[]): string[] {
  if (targets.length === 1 || rows.length === 1) return [];
  const better = targets.filter((target) => besideBest(rows, target)!.ratio < 1);
  return ["", `The model beats every simple method on ${better.length} of ${targets.length} columns.`];
}

function tableOf(rows: readonly BacktestRow[], target: string, out: Output): string {
  const { nominal } = rows[0]!.scores[target]!;
  const within = nominal === undefined ? "in interval" : `in ${Math.round(100 * nominal)} % interval`;
  return [
    "",
    table(
      [
        [target, "MAE", "RMSE", "sMAPE", "MASE", "pinball", within],
        ...rows.map(({ name, scores }) => {
          const s = scores[target]!;
          return [
            name,
            ...[number(s.mae), number(s.rmse), number(s.smape), number(s.mase)],
            ...[number(s.pinball), s.coverage === undefined ? "–" : percent(s.coverage)],
          ];
        }),
      ],
      out,
    ),
    ...verdict(rows, target),
  ].join("\n");
}

/** The best of the simple methods, by mean absolute error, and how many times that the error of the model is. */
function besideBest(rows: readonly BacktestRow[], target: string) {
  const [model, ...others] = rows.map(({ name, scores }) => ({ name, mae: scores[target]!.mae }));
  if (others.length === 0) return undefined;
  const best = others.reduce((least, one) => (one.mae < least.mae ? one : least));
  return { best, ratio: model!.mae / best.mae };
}

function verdict(rows: readonly BacktestRow[], target: string): string[] {
  const beside = besideBest(rows, target);
  if (!beside) return [];
  const { best, ratio } = beside;
  const off = percent(Math.abs(ratio - 1));
  return [
    ratio < 1
      ? `The model's mean absolute error is ${off} lower than that of the best simple method (${best.name}).`
      : `The model does not beat ${best.name}: its mean absolute error is ${ratio < 10 ? `${off} higher` : "at least ten times as large"}. Use that method, or train differently.`,
  ];
}

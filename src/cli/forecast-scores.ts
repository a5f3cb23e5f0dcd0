import type { Backtest, BacktestRow } from "../run/backtest.ts";
import { counted, percent, table } from "./format.ts";
import type { Output } from "./io.ts";

const number = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? "–" : value.toPrecision(4);

/** A table for each column, the model first; and in words how it stands beside the best of the others. */
export function backtestText({ rows, origins, stride }: Backtest, part: string, out: Output): string {
  const [model] = rows;
  return [
    `Backtest on ${part}, from ${counted(origins, "origin")}, ${counted(stride, "step")} apart:`,
    ...Object.keys(model!.scores).map((target) => tableOf(rows, target, out)),
  ].join("\n");
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

/** Whether the model beats all simple methods, by mean absolute error. */
function verdict(rows: readonly BacktestRow[], target: string): string[] {
  const [model, ...others] = rows.map(({ name, scores }) => ({ name, mae: scores[target]!.mae }));
  if (others.length === 0) return [];
  const best = others.reduce((least, one) => (one.mae < least.mae ? one : least));
  const ratio = model!.mae / best.mae;
  const off = percent(Math.abs(ratio - 1));
  return [
    model!.mae < best.mae
      ? `The model's mean absolute error is ${off} lower than that of the best simple method (${best.name}).`
      : `The model does not beat ${best.name}: its mean absolute error is ${ratio < 10 ? `${off} higher` : "at least ten times as large"}. Use that method, or train differently.`,
  ];
}

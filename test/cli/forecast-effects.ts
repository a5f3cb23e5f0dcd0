import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { longshort, type Ran } from "./fake-io.ts";
import { type Effect, type Effects, keptEffects } from "./option-effects.ts";

interface Places {
  readonly at: (name: string) => string;
  readonly fresh: () => string;
  readonly machine: Effect;
  readonly json: Effect;
}

const small = ["--horizon", "2", "--context", "4", "--hidden-size", "3"];

/** Tables of series, and runs on them. */
export async function prepareForecasts(at: Places["at"]): Promise<void> {
  const row = (n: number, k: number): string => {
    const time = new Date(Date.UTC(2024, 0, 1, k)).toISOString();
    return `${time},${k % 2 ? "a" : "b"},${Math.round(20 + 9 * Math.sin(k / 3) + ((k * n) % 7))},${k % 5},${(k * k) % 11}`;
  };
  const table = (n: number): string => `at,shop,y,p,q\n${Array.from({ length: 80 }, (_, k) => row(n, k)).join("\n")}\n`;
  writeFileSync(at("f.csv"), table(3));
  writeFileSync(at("g.csv"), table(5));
  writeFileSync(
    at("commas.csv"),
    table(3)
      .replaceAll(",", ";")
      .replaceAll(/^([^;]*;[ab];\d+)/gm, "$1,5"),
  );
  const train = ["train", "forecast", at("f.csv"), "--target", "y", ...small, "--epochs", "1", "-q", "--no-baselines"];
  await longshort([...train, "--head", "gaussian", "-o", at("fc")]);
  await longshort([...train, "--decoding", "autoregressive", "-o", at("fa")]);
}

/** What is said of a run, without where it lies. */
const scores = ({ stdout }: Ran): unknown => stdout.split("\n").filter((line) => !/Saved in|longshort/.test(line));
const code = ({ code }: Ran): unknown => code;
const epochs = ({ stderr }: Ran): unknown => stderr.match(/^epoch/gm)?.length;

/** How to see the effect of each option of the commands that forecast. */
export function forecastEffects({ at, fresh, machine, json }: Places): Readonly<Record<string, Effects>> {
  const train = (...more: readonly string[]): string[] => [
    ...["train", "forecast", at("f.csv"), "--target", "y", ...small, "--epochs", "1"],
    ...(more.includes("-o") ? [] : ["-o", fresh()]),
    ...more,
  ];
  const timed = ["--time", "at"];
  const added = (...add: readonly string[]): Effect => ({ add, see: scores });
  const between = (against: readonly string[], instead: readonly string[], see = scores): Effect => ({
    ...{ against: train(...against), instead: train(...instead), see },
  });
  return {
    "train forecast": {
      plain: () => train(),
      options: {
        file: { instead: train().with(2, at("g.csv")), see: scores },
        target: added("--target", "q"),
        series: added("--series", "shop"),
        time: added("--time", "none"),
        timeZone: between(timed, [...timed, "--time-zone", "America/New_York"]),
        resample: between(timed, [...timed, "--resample", "2h"]),
        past: added("--past", "p"),
        known: added("--known", "p"),
        category: between(["--series", "shop"], ["--series", "shop", "--category", "shop"]),
        delimiter: { add: ["--delimiter", ";"], see: code, codes: [2] },
        decimal: {
          against: train().with(2, at("commas.csv")),
          instead: [...train().with(2, at("commas.csv")), "--decimal", ","],
          see: code,
        },
        header: {
          against: train().with(4, "3"),
          instead: [...train().with(4, "3"), "--header"],
          see: code,
        },
        horizon: added("--horizon", "3"),
        context: added("--context", "5"),
        season: added("--season", "3"),
        validation: added("--validation", "0.3"),
        test: added("--test", "0.3"),
        head: added("--head", "gaussian"),
        pointLoss: between(
          ["--head", "point", "--learning-rate", "0.1"],
          ["--head", "point", "--learning-rate", "0.1", "--point-loss", "absolute"],
        ),
        quantiles: added("--quantiles", "0.2", "0.8"),
        calibrate: between(["--validation", "0.5"], ["--validation", "0.5", "--no-calibrate"]),
        decoding: added("--decoding", "autoregressive"),
        anchor: added("--anchor", "none"),
        transform: added("--transform", "log"),
        scaling: added("--scaling", "robust"),
        linear: added("--no-linear"),
        calendar: between(timed, [...timed, "--calendar", "weekday"]),
        cell: added("--cell", "gru"),
        cellFile: added("--cell-file", at("cell.txt")),
        hiddenSize: added("--hidden-size", "4"),
        numLayers: added("--layers", "2"),
        initialize: added("--initialize", "keras"),
        dropout: added("--dropout", "0.6"),
        batchSize: added("--batch-size", "5"),
        epochs: added("--epochs", "2"),
        maxSteps: added("--max-steps", "1"),
        optimizer: added("--optimizer", "rmsprop"),
        weightDecay: added("--weight-decay", "0.5"),
        learningRate: added("--learning-rate", "0.1"),
        schedule: added("--schedule", "linear"),
        warmupSteps: added("--warmup-steps", "3"),
        clipNorm: added("--clip", "1e-9"),
        accumulate: added("--accumulate", "2"),
        average: between(["--epochs", "9"], ["--epochs", "9", "--average", "0.99"]),
        patience: between(
          ["--epochs", "4", "--learning-rate", "0"],
          ["--epochs", "4", "--learning-rate", "0", "--patience", "1"],
          epochs,
        ),
        minDelta: between(
          ["--epochs", "4", "--patience", "1"],
          ["--epochs", "4", "--patience", "1", "--min-delta", "100"],
          epochs,
        ),
        ...keptEffects(train),
        seed: added("--seed", "1"),
        baselines: added("--no-baselines"),
        machine,
        output: { add: ["-o", at("f/given")], see: () => existsSync(join(at("f/given"), "config.json")) },
        force: {
          against: train("-o", at("taken/one")),
          instead: train("-o", at("taken/one"), "--force"),
          see: code,
        },
        quiet: { add: ["-q"], see: ({ stderr }) => stderr !== "" },
        json: { add: ["--json"], see: ({ stdout }) => stdout.startsWith("{") },
      },
    },
    forecast: {
      plain: () => ["forecast", at("fc")],
      options: {
        run: { instead: ["forecast", at("fa")] },
        file: { add: [at("g.csv")] },
        horizon: { add: ["--horizon", "1"] },
        quantiles: { add: ["--quantiles", "0.3"] },
        samples: { against: ["forecast", at("fa")], instead: ["forecast", at("fa"), "--samples", "3"] },
        seed: { against: ["forecast", at("fa")], instead: ["forecast", at("fa"), "--seed", "1"] },
        recent: { add: ["--recent", "60"] },
        output: { add: ["-o", at("next.json")], see: () => existsSync(at("next.json")) },
        html: { add: ["--html", at("next.html")], see: () => existsSync(at("next.html")) },
        plot: { add: ["--plot"] },
        ...{ machine, json },
      },
    },
    backtest: {
      plain: () => ["backtest", at("fc")],
      options: {
        run: { instead: ["backtest", at("fa"), "--samples", "5"] },
        file: { add: [at("g.csv")] },
        stride: { add: ["--stride", "2"] },
        quantiles: { add: ["--quantiles", "0.3", "0.7"] },
        samples: {
          against: ["backtest", at("fa"), "--samples", "5"],
          instead: ["backtest", at("fa"), "--samples", "3"],
        },
        seed: {
          against: ["backtest", at("fa"), "--samples", "5"],
          instead: ["backtest", at("fa"), "--samples", "5", "--seed", "1"],
        },
        recent: { add: ["--recent", "60"] },
        baselines: { add: ["--no-baselines"] },
        ...{ machine, json },
      },
    },
  };
}

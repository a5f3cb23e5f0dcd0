/** What the recipes of forecasting have in common: train with one seed, keep the weights of the best validation, measure once beside simple methods. */
import { backtest, openMachine, readTimeSeries, trainForecaster } from "../../dist/index.js";

/** Forecasts before each origin that say how wide its intervals are. */
const RECENT = 100;

/**
 * Settings are those of `trainForecaster` beside
 *
 * - `apart`: each column is a series of its own, all forecast by one network that sees one at a time. Default false: it sees and forecasts all together;
 * - `columns`: options of `readTimeSeries`;
 * - `steps`: how many steps of the file are used, from its beginning. Default all.
 *
 * @returns mean squared and absolute errors with each column scaled as in training (`MSE`, `MAE`), MASE, and where there are intervals the share of
 *   the values within in per cent, as calibrated, as learned and as the recent forecasts ask for (`--recent 100`); means over the columns. In `details` the same of the simple methods
 */
export async function forecast({ settings, seed, file, log }) {
  const { columns, steps, apart = false, ...options } = settings;
  const read = await readTimeSeries(file, columns);
  const data = apart ? columnsApart(read) : read;
  const machine = await openMachine("wasm");
  try {
    const used = steps === undefined ? data : { ...data, series: data.series.map((one) => firstSteps(one, steps)) };
    const { trainer, forecaster, series, calibrate } = await trainForecaster({
      machine,
      data: used,
      seed,
      test: 0.1,
      ...options,
    });
    const { parameters } = forecaster;
    let best;
    await trainer.run({
      epoch: async ({ epoch, trainLoss, validationLoss, best: better }) => {
        if (better) best = { epoch, tensors: await parameters.toTensors() };
        log(`  epoch ${epoch}: loss ${trainLoss.toFixed(4)}, validation ${validationLoss.toFixed(4)}`);
      },
    });
    parameters.loadTensors(best.tensors);
    const parts = series.map(({ source, prepared, spans }) => ({
      ...{ source, prepared, train: spans.train, test: spans.test },
    }));
    const within = async (more) => {
      const { rows } = await backtest(forecaster, { series: parts, stride: 1, baselines: false, ...more });
      return means(Object.values(rows[0].scores))["within interval"];
    };
    const moves = forecaster.distribution.quantile !== undefined && !forecaster.layout.counts;
    const asLearned = moves ? await within() : undefined;
    const intervalWidths = await calibrate();
    const recent = moves ? await within({ recent: RECENT }) : undefined;
    const { rows, origins } = await backtest(forecaster, { series: parts, stride: 1 });
    const methods = Object.fromEntries(rows.map(({ name, scores }) => [name, means(Object.values(scores))]));
    for (const [name, one] of Object.entries(methods)) log(`  ${name}: ${shown(one)}`);
    trainer.close();
    const { "this model": model, ...others } = methods;
    const { anchor, context, calendar } = forecaster.layout;
    return {
      measures: {
        ...model,
        ...(moves && { "within as learned": asLearned, "within by recent forecasts": recent }),
        "MSE of the linear map": others["linear map"].MSE,
      },
      details: {
        epoch: best.epoch,
        origins,
        intervalWidths,
        parameters: parameters.count,
        anchor,
        context,
        calendar,
        others,
      },
    };
  } finally {
    machine.close();
  }
}

function firstSteps({ id, times, values }, steps) {
  const cut = Object.entries(values).map(([name, all]) => [name, all.subarray(0, steps)]);
  return { id, length: steps, times: times?.subarray(0, steps), values: Object.fromEntries(cut) };
}

/** One series for each column, all of the column "value". */
function columnsApart({ series: [one], targets, ...rest }) {
  const series = targets.map((id) => ({ ...one, id, values: { value: one.values[id] } }));
  return { ...rest, series, targets: ["value"] };
}

function means(columns) {
  const mean = (of) => columns.reduce((sum, one) => sum + of(one) / columns.length, 0);
  return {
    MSE: mean(({ scaledMse }) => scaledMse),
    MAE: mean(({ scaledMae }) => scaledMae),
    MASE: mean(({ mase }) => mase),
    ...(columns[0].coverage !== undefined && { "within interval": mean(({ coverage }) => 100 * coverage) }),
  };
}

const shown = (measures) =>
  Object.entries(measures)
    .map(([name, value]) => `${name} ${value.toPrecision(4)}`)
    .join(", ");

import { roundInWords } from "../data/calendar.ts";
import type { ForecastLayout } from "../data/forecast-layout.ts";
import type { HeadName } from "../models/forecast-heads.ts";
import type { SequenceForecasterConfig } from "../models/sequence-forecaster.ts";
import { DROPOUT_LEFT_OUT, listed } from "./network-builder.ts";

/** What the outputs are, by the head. */
const SAID: Readonly<Record<HeadName, string>> = {
  point: "value is the forecast",
  quantiles: "q0.1 is the value that a tenth lies below, and so on, in ascending order",
  gaussian: "location and scale are the mean and the deviation of a normal distribution",
  "student-t": "location, scale and degreesOfFreedom are those of Student's t-distribution",
  "negative-binomial": "counts have this mean m and the variance m + dispersion · m²",
};

/** What a network of a forecaster leaves to who uses it, in words. */
export function forecasterConventions(
  { head, dropout, autoregressive }: SequenceForecasterConfig,
  layout: ForecastLayout,
  ofSeries: boolean,
): readonly string[] {
  const { targets, past, known, indicators, calendar, categories = {}, context, horizon, timeZone } = layout;
  const logarithms = layout.transform === "log";
  const rounds =
    calendar.length > 0
      ? [
          `sine and cosine of 2π times the share that has passed of ${calendar.map(roundInWords).join("; of ")} (${timeZone})`,
        ]
      : [];
  const ahead = [...(known.length > 0 ? [listed(known)] : []), ...rounds].join(", then ");
  const beside = [
    ...(indicators.length > 0 ? [`for each of ${listed(indicators)} 1 where it has a value, else 0`] : []),
    ...(past.length > 0 ? [listed(past)] : []),
  ].join(", then ");
  return [
    `targets are ${listed(targets)}${logarithms ? ", their natural logarithms, and so is what is predicted" : ""}, ${autoregressive ? `from at least ${context} steps before the first that is predicted on` : `of the ${context} steps before the ${horizon} that are predicted`}; where a value is missing it is the one before, at the beginning the center of its series`,
    ...(beside ? [`past is, of the same steps, ${beside}`] : []),
    ...(ahead
      ? [
          `known is ${autoregressive ? "of the step after each" : "of the same steps, future of those that are predicted"}: ${ahead}`,
        ]
      : []),
    ...Object.entries(categories).map(
      ([name, values], k) =>
        `category.${k} is ${JSON.stringify(name)}: 0 for one that did not occur in training, then from 1 on ${listed(values)}`,
    ),
    ...(ofSeries
      ? [
          `series is a number from 1 on, in the order of data.scales of config.json, by which numbers are scaled and answers are in the units of the series; 0: numbers are given and answered scaled, (value − center) ÷ scale${layout.counts ? "; of counts the mean ÷ scale, the dispersion · √scale" : ""}`,
        ]
      : []),
    SAID[head],
    ...(autoregressive
      ? [
          "each answer is of the step after the one that was read: what is drawn of it, or its point, is the next of the targets",
        ]
      : []),
    ...(autoregressive && layout.anchor === "last"
      ? ["level is the last value that is known of each target, for all steps"]
      : []),
    ...(dropout > 0 ? [DROPOUT_LEFT_OUT] : []),
  ];
}

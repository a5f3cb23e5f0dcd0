import { displayWidth } from "../explain/display-width.ts";
import type { EpochEvent, EvaluationEvent } from "../train/events.ts";
import { duration, integer, perplexity } from "./format.ts";

/** The same line in several forms, from the one that tells all to the narrowest. */
export type Forms = readonly [whole: string, ...narrower: string[]];

/** The first form that leaves a column free in a terminal of so many, else the narrowest. */
export const fitting = (forms: Forms, columns: number): string =>
  forms.find((form) => displayWidth(form) < columns) ?? forms.at(-1)!;

/** A measurement of a language model: after an epoch, or in the midst of one. Losses are in nats per token. */
export function textLine(event: EpochEvent | EvaluationEvent, epochs: number): Forms {
  const { validationLoss } = event;
  const [validation, inPerplexity] =
    validationLoss === undefined
      ? ["", ""]
      : [`validation ${validationLoss.toFixed(4)}`, ` (perplexity ${perplexity(validationLoss)})`];
  if (event.type === "evaluation") {
    const head = `after step ${integer(event.step)}:`;
    return [
      `${head} ${validation} nats per token${inPerplexity}`,
      `${head} ${validation}${inPerplexity}`,
      `${head} ${validation}`,
    ];
  }
  const { epoch, trainLoss, seconds } = event;
  const place = `${epoch}/${epochs}:`;
  const [loss, after] = [trainLoss.toFixed(4), validation && `, ${validation}`];
  return [
    `epoch ${place} loss ${loss} nats per token${after}${inPerplexity}, ${duration(seconds)}`,
    `epoch ${place} loss ${loss}${after}${inPerplexity}, ${duration(seconds)}`,
    `epoch ${place} loss ${loss}${after}${inPerplexity}`,
    `epoch ${place} loss ${loss}${after}`,
    `${place} loss ${loss}${after}`,
    `${place} ${loss}${after}`,
  ];
}

/** A measurement of a model for another task. @param measured what was measured besides the loss, the most telling first */
export function taskLine(event: EpochEvent | EvaluationEvent, epochs: number, measured: readonly string[] = []): Forms {
  const { validationLoss } = event;
  const validation = validationLoss === undefined ? [] : [`validation ${validationLoss.toFixed(4)}`];
  const [first = ""] = [...measured, ...validation];
  if (event.type === "evaluation") {
    const head = `after step ${integer(event.step)}:`;
    return [`${head} ${[...validation, ...measured].join(", ")}`, `${head} ${first}`];
  }
  const head = `epoch ${event.epoch}/${epochs}:`;
  const loss = `loss ${event.trainLoss.toFixed(4)}`;
  const line = (...parts: readonly string[]): string => `${head} ${parts.filter(Boolean).join(", ")}`;
  return [
    line(loss, ...validation, ...measured, duration(event.seconds)),
    line(loss, ...validation, ...measured),
    line(loss, ...measured),
    line(loss, first),
    line(first || loss),
  ];
}

import type { Series } from "../data/examples.ts";
import type { Sequence } from "../data/sequence-inputs.ts";
import type { SequenceModel } from "../models/sequence-classifier.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { firstNotFinite } from "../shared/finite.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/**
 * Encodes a text or a series for a model: tokens, or scaled numbers.
 * @throws UsageError "wrong-input" when it is of another kind or of other channels than the model reads
 */
export function readSequence(
  input: string | Series,
  { config }: Pick<SequenceModel, "config">,
  tokenizer: Tokenizer | undefined,
): Sequence {
  if (typeof input === "string") {
    if (tokenizer) return tokenizer.encode(input);
    throw new UsageError("wrong-input", `expected a series of ${config.channels} channels, got a text`);
  }
  const { channels } = config;
  if (typeof input !== "object" || input === null || !(input.values?.length > 0))
    throw new UsageError("wrong-input", `expected a series, { channels, values }, got ${describe(input)}`);
  if (channels === undefined) throw new UsageError("wrong-input", "expected a text, got a series");
  expectSeries(input, channels);
  const { inputScaling: scaling } = config;
  if (!scaling) return input;
  const scaled = (value: number, at: number): number => {
    const d = at % channels;
    return (value - scaling.mean[d]!) / scaling.deviation[d]!;
  };
  return { channels, values: input.values.map(scaled) };
}

/** @throws UsageError "wrong-input" for a series of other channels, "not-a-number" for one with gaps */
export function expectSeries(series: Series, channels: number): void {
  if (series.channels !== channels || series.values.length % channels !== 0)
    throw new UsageError(
      "wrong-input",
      `expected a series of ${channels} channels, got ${series.values.length} numbers of ${series.channels} channels`,
    );
  const bad = firstNotFinite(series.values);
  if (bad >= 0)
    throw new UsageError(
      "not-a-number",
      `step ${Math.floor(bad / channels)}, channel ${bad % channels} of the series is ${series.values[bad]}: fill gaps first, with the value before them or 0, and where they matter mark them in a channel of their own`,
    );
}

import type { Machine } from "../compute/machine.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { runOptions } from "../run/run-options.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { expectSameMachine, type ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type ReadTrace, readTrace, tokenTexts } from "./read-trace.ts";
import { type TraceOptions, trace } from "./trace.ts";

/** Options of `traceText`. */
export interface TraceTextOptions extends Omit<TraceOptions, "outputGradient"> {
  readonly model: LanguageModel;
  readonly parameters: ParameterStore;
  readonly machine: Machine;
  readonly tokenizer: Tokenizer;
  /** The text to read, from a zero state. At least one token. */
  readonly text: string;
}

/** What `traceText` gives: the trace of a text that a language model read. */
export type TextTrace = ReadTrace;

/**
 * Traces a language model on a text: every gate and state at every step, as `trace` gives them.
 * @throws UsageError "unknown-choice" for a name that the cell does not have, "no-tokens", "unknown-token"; FailureError
 *   "trace-too-large"; the reason of `signal`
 */
export async function traceText(options: TraceTextOptions): Promise<TextTrace> {
  expectOptions("traceText", options, {
    ...runOptions,
    tokenizer: "required",
    text: "required",
    names: 1,
    gradients: 1,
    maxBytes: 1,
    hold: 1,
    signal: 1,
  });
  const { model, parameters, machine, tokenizer, text, names, gradients, maxBytes, hold, signal } = options;
  const tokens = tokenizer.encode(text);
  if (tokens.length === 0) throw new UsageError("no-tokens", "text: expected at least one token to read, got none");
  expectSameMachine(parameters, machine);
  const traced = await trace({ model, parameters }, { data: tokens }, { names, gradients, maxBytes, hold, signal });
  return readTrace(traced, tokenTexts(tokens, tokenizer));
}

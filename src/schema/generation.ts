import { integer, number, text, texts } from "./fields.ts";

/** How text is written: flags of `generate` and options of `generate()`. */
export const generationFields = {
  prompt: text({ about: "text to go on from; it is written first", unit: "text", default: "" }),
  length: integer({ about: "how many tokens to write after the prompt", unit: "tokens", min: 0, default: 400 }),
  temperature: number({
    about: "below 1 safer, above 1 wilder, 0 always the likeliest token",
    ...{ unit: "number", min: 0, default: 0.8 },
  }),
  topK: integer({ about: "choose among the likeliest so many tokens only", unit: "count", min: 1, otherwise: "all" }),
  topP: number({
    about: "choose among the likeliest tokens that together have this probability",
    ...{ unit: "share", above: 0, max: 1, otherwise: "all" },
  }),
  minP: number({
    about: "choose among the tokens with at least this share of the likeliest one's probability",
    ...{ unit: "share", min: 0, max: 1, otherwise: "all" },
  }),
  typicalP: number({
    about: "choose among the tokens about as surprising as expected that together have this probability",
    ...{ unit: "share", above: 0, max: 1, otherwise: "all" },
  }),
  repetitionPenalty: number({
    about: "above 1: tokens that were there lately become less likely",
    ...{ unit: "number", above: 0, default: 1 },
  }),
  repetitionWindow: integer({ about: "how many tokens back count as lately", unit: "tokens", min: 0, default: 64 }),
  stop: texts({ about: "end the text before any of these", unit: "text", otherwise: "nothing" }),
  seed: integer({
    about: "seed of the draws; the same seed gives the same result",
    ...{ unit: "number", min: 0, default: 0 },
  }),
} as const;

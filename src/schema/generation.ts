import { integer, number, text, texts } from "./fields.ts";

/** How text is written: flags of `generate` and options of `generate()`. */
export const generationFields = {
  prompt: text({ about: "text to continue; it is written first", unit: "text", default: "" }),
  length: integer({ about: "maximum number of tokens after the prompt", unit: "tokens", min: 0, default: 400 }),
  temperature: number({
    about: "below 1 more conservative, above 1 more varied; 0 always takes the most likely token",
    ...{ unit: "number", min: 0, default: 0.8 },
  }),
  topK: integer({ about: "sample from the k most likely tokens", unit: "count", min: 1, otherwise: "all" }),
  topP: number({
    about: "sample from the most likely tokens up to this total probability",
    ...{ unit: "share", above: 0, max: 1, otherwise: "all" },
  }),
  minP: number({
    about: "sample from tokens with at least this share of the highest probability",
    ...{ unit: "share", min: 0, max: 1, otherwise: "all" },
  }),
  typicalP: number({
    about: "sample from tokens about as surprising as expected, up to this total probability",
    ...{ unit: "share", above: 0, max: 1, otherwise: "all" },
  }),
  repetitionPenalty: number({
    about: "above 1: makes recent tokens less likely",
    ...{ unit: "number", above: 0, default: 1 },
  }),
  repetitionWindow: integer({
    about: "number of recent tokens that are penalized",
    ...{ unit: "tokens", min: 0, default: 64, needs: { key: "repetitionPenalty" } },
  }),
  stop: texts({ about: "end the text before any of these strings", unit: "text", otherwise: "nothing" }),
  seed: integer({
    about: "seed of sampling; the same seed gives the same text",
    ...{ unit: "number", min: 0, default: 0 },
  }),
} as const;

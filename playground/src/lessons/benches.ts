import { html, type TemplateResult } from "lit";
import { Bench } from "../cell/bench.ts";
import { say } from "../language.ts";
import { tinyModel } from "../models.ts";

/** The three networks of the lessons; what is changed at one stop stays at the next. */
export const plain = new Bench(() => tinyModel("recall-rnn"));
export const long = new Bench(() => tinyModel("recall-lstm"));
export const gated = new Bench(() => tinyModel("recall-gru"));

// It keeps the letter.
long.unit = 1;

/** A figure of a network, once it is there; with the stage of the stop lit up. */
export function withBench(bench: Bench, view: () => TemplateResult, stage?: string): TemplateResult {
  if (!bench.ready)
    return html`<div class="placeholder tall" aria-busy="true">${bench.error ?? say("Opening the model…", "正在打开模型……")}</div>`;
  bench.stage = stage;
  // The letters are chosen once, for all stops.
  bench.letters = long.letters;
  return view();
}

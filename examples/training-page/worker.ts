// Learns and answers away from the page, which stays as quick as it was. Orders come in, news goes out.
import { type Classifier, type ClassPrediction, openMachine, trainClassifier } from "longshort";
import { examplesOf } from "./examples.ts";

export type Order =
  /** Learn from these lines, and forget what was learned before. */
  | { readonly learn: string }
  | { readonly stop: true }
  /** Say what this is: at once, or every few steps of a training. */
  | { readonly text: string };

export type News =
  /** `right`: the share of the validation examples that it classifies correctly; undefined before the first epoch has ended. */
  | { readonly step: number; readonly steps: number; readonly right: number | undefined }
  | { readonly text: string; readonly prediction: ClassPrediction }
  | { readonly ended: "done" | "aborted" | "stopped-early"; readonly seconds: number }
  | { readonly error: string };

const tell = (news: News): void => postMessage(news);
const opening = openMachine("wasm");
/** One after the other: nothing is asked of a model that is being replaced. */
let work = Promise.resolve();
let stopping = new AbortController();
let learned: { readonly classifier: Classifier; close(): void } | undefined;
let text = "";

async function answer(): Promise<void> {
  if (learned && text !== "") tell({ text, prediction: (await learned.classifier.predict([text]))[0]! });
}

async function learn(lines: string, signal: AbortSignal): Promise<void> {
  const { trainer, classifier } = await trainClassifier({
    ...{ machine: await opening, examples: examplesOf(lines), signal },
    tokenizer: { kind: "grapheme" },
    model: { hiddenSize: 64, embeddingSize: 16 },
    ...{ batchSize: 16, epochs: 40, learningRate: 0.005, logEvery: 2 },
  });
  learned?.close();
  learned = { classifier, close: () => trainer.close() };
  let [steps, right]: [number, number | undefined] = [0, undefined];
  for await (const event of trainer) {
    if (event.type === "start") steps = event.totalSteps;
    if (event.type === "epoch") right = event.metrics?.accuracy;
    if (event.type === "progress" || event.type === "epoch") {
      tell({ step: event.step, steps, right });
      await answer();
    }
    if (event.type === "end") tell({ ended: event.reason, seconds: event.seconds });
  }
}

addEventListener("message", ({ data: order }: MessageEvent<Order>) => {
  if ("text" in order) {
    text = order.text;
    work = work.then(answer);
    return;
  }
  stopping.abort();
  if ("stop" in order) return;
  stopping = new AbortController();
  const { signal } = stopping;
  work = work
    .then(() => learn(order.learn, signal))
    .catch((error: unknown) => tell({ error: error instanceof Error ? error.message : String(error) }));
});

import { cellsInWords } from "../cells/cells-in-words.ts";
import { packRun } from "../checkpoint/packed-run.ts";
import type { Machine } from "../compute/machine.ts";
import { languageModel } from "../models/language-model.ts";
import { optimizerByName } from "../optimizers/registry.ts";
import { generate } from "../run/generate.ts";
import { openSession } from "../run/session.ts";
import { UsageError } from "../shared/errors.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../tensor/parameter-store.ts";
import { trainTokenizer } from "../text/train-tokenizer.ts";
import { trainText } from "../train/train-text.ts";
import type { Trainer } from "../train/trainer.ts";
import { encoded } from "./encode.ts";
import type { Reading, TrainingChoice } from "./protocol.ts";
import { readText } from "./reading.ts";

/** What is learned live: a trainer, and what the page wants to see of the model. */
export interface LiveTask {
  readonly trainer: Trainer;
  readonly parameters: ParameterStore;
  readonly vocabularySize: number | undefined;
  /** Steps of a sequence in one of the trainer's items. */
  readonly stepsPerItem: number;
  /** What it writes or answers now, as text. */
  sample(): Promise<string>;
  /** What it does with something it is shown again and again. */
  read(): Promise<Reading>;
  /** The model as a file. */
  save(): Promise<OwnBytes>;
}

/** How every task is trained: until the page says otherwise. */
export const trainingOf = ({ clipNorm, seed, optimizer, learningRate }: TrainingChoice) => ({
  ...{ clipNorm, seed, learningRate, optimizer: optimizerByName(optimizer) },
  ...{ epochs: 2 ** 20, logEvery: 1 },
});

/** A language model of the text. */
export async function openTextTask(machine: Machine, choice: TrainingChoice): Promise<LiveTask> {
  if (choice.text.trim() === "") throw new UsageError("text-empty", "text: expected some text to learn from, got none");
  const { hiddenSize, embeddingSize, numLayers, seed, batchSize, sequenceLength } = choice;
  const cell = cellsInWords(choice).equations ?? choice.cell;
  const tokenizer = await trainTokenizer(choice.text, { kind: "grapheme" });
  const { vocabularySize } = tokenizer;
  const probe = choice.probe || choice.text.slice(0, 60);
  // It is read while something is learned: what cannot be read is said before.
  encoded(tokenizer, probe);
  const model = languageModel({ vocabularySize, cell, hiddenSize, embeddingSize, numLayers });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed });
  try {
    const train = tokenizer.encode(choice.text);
    const { trainer } = await trainText({
      ...{ model, machine, parameters, train, batchSize, sequenceLength },
      ...trainingOf(choice),
    });
    return {
      ...{ trainer: trainer as unknown as Trainer, parameters, vocabularySize, stepsPerItem: 1 },
      read: () => readText({ model, tokenizer, parameters }, probe),
      save: () => packRun({ model, tokenizer, parameters }),
      async sample() {
        const session = await openSession({ model, parameters, machine });
        try {
          let text = "";
          const how = { length: 120, temperature: 0.7, seed: trainer.step };
          for await (const piece of generate({ session, tokenizer, ...how })) text += piece;
          return text;
        } finally {
          session.close();
        }
      },
    };
  } catch (error) {
    parameters.close();
    throw error;
  }
}

import { describe, expect, it } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import * as longshort from "../../src/index.ts";

// What is given in the place of something else by who meets the library, in plain JavaScript or past the compiler.

const { crossEntropy, Graph, layoutParameters, linear, lstm, meanSquaredError, recurrent, softmax } = longshort;
const machine = openReference();
const layer = recurrent({ cell: lstm(), inputSize: 3, hiddenSize: 2 });
const any = (value: unknown) => value as never;
const examples = (labels: unknown) => ({ inputs: ["a", "b", "c", "d"], labels });

const list = any([1]);
const some = new Graph({ machine }).input("x", [1]);
const lengths = { inputLengths: some, targetLengths: some };

const calls: Readonly<Record<string, readonly [call: () => unknown, message: RegExp]>> = {
  "numbers for a layer": [
    () => layer.forward(any([[[1, 2, 3]]])),
    /input: expected a tensor.*got an array of 1.*executable\.write/,
  ],
  "nothing for a layer": [() => layer.forward(any(undefined)), /input: expected a tensor.*got nothing/],
  "numbers for a map": [
    () => linear({ inputSize: 3, outputSize: 1 }).forward(any([1, 2, 3])),
    /linear: expected a tensor/,
  ],
  "numbers for a model": [
    () => longshort.languageModel({ vocabularySize: 5 }).forward(any([1, 2])),
    /tokens: expected a tensor.*got an array of 2/,
  ],
  "numbers for a loss": [() => meanSquaredError(any([1]), any([2])), /meanSquaredError: prediction: expected a tensor/],
  "logits as numbers": [() => crossEntropy(any([1, 2]), any([0])), /crossEntropy: logits: expected a tensor/],
  ...Object.fromEntries(
    Object.entries({
      "ctc: logits": () => longshort.connectionistTemporalClassification(list, list, any(lengths)),
      "gaussianLoss: location": () => longshort.gaussianLoss(any({ location: list, scale: list }), list),
      "studentTLoss: location": () => longshort.studentTLoss(any({ location: list, scale: list }), list),
      "negativeBinomialLoss: mean": () => longshort.negativeBinomialLoss(any({ mean: list }), list),
      "poolOverTime: input": () => longshort.poolOverTime({ kind: "max" }).forward(list),
      "attentionPool: input": () => longshort.attentionPool({ inputSize: 2 }).forward(list),
      "convolution1d: input": () =>
        longshort.convolution1d({ inputSize: 2, outputSize: 2, kernelSize: 1 }).forward(list),
      "conditionalRandomField: emissions": () =>
        longshort.conditionalRandomField({ tags: 2 }).negativeLogLikelihood(list, list),
      dropout: () => longshort.dropout({ rate: 0.5 }).forward(list),
      dropConnect: () => longshort.dropConnect(list, { rate: 0.5 }),
      "dropWords: vectors": () => longshort.dropWords(list, list, { rate: 0.5, vocabularySize: 2 }),
    }).map(([what, call]) => [
      `numbers for ${what}`,
      [call, new RegExp(`${what}: expected a tensor.*got an array of 1`)] as const,
    ]),
  ),
  "numbers for softmax": [() => softmax(any(new Float32Array(3))), /softmax: expected a tensor.*a Float32Array of 3/],
  "numbers as an output": [() => new Graph({ machine }).output("y", any([1])), /output "y": expected a tensor/],
  "a number as a shape": [() => new Graph({ machine }).input("x", any(3)), /input "x": expected a shape.*got 3/],
  "no numbers for a constant": [
    () => new Graph({ machine }).constant([2], any(5)),
    /constant: shape \[2\] has 2 numbers, got 5/,
  ],
  "a cell as a layer": [
    () => layoutParameters(any(lstm())),
    /expected a model or a layer.*got an object with the properties name/,
  ],
  "no layer": [() => layoutParameters(any(undefined)), /expected a model or a layer.*got nothing/],
  "one path for a list": [
    () => longshort.openCorpus({ files: any("novel.txt") }),
    /files: expected a list of paths, URLs and Blobs.*got the string "novel\.txt"/,
  ],
  "a share in quotes": [
    () => longshort.openCorpus({ files: ["novel.txt"], validation: any("0.1") }),
    /validation: expected a list of paths.*got the string "0\.1"/,
  ],
  "a kind of tokenizer by name": [
    () => longshort.openCorpus({ files: ["novel.txt"], tokenizer: any("bpe") }),
    /tokenizer: expected a tokenizer \(.*kind: "bpe".*got the string "bpe"/,
  ],
  "no text for a tokenizer": [
    () => longshort.trainTokenizer(any(undefined), { kind: "bpe" }),
    /expected a text.*got nothing/,
  ],
  "a number to encode": [
    async () => (await longshort.trainTokenizer("abc", { kind: "character" })).encode(any(5)),
    /encode: expected a text, got 5/,
  ],
  "numbers as labels": [
    () => longshort.trainClassifier({ machine, examples: any(examples([0, 1, 0, 1])) }),
    /example 1: expected its label as text.*got 0/,
  ],
  "a machine in place of options": [
    () => longshort.loadRun("novel", any(machine)),
    /loadRun: expected \{ machine, … \}, got a machine by itself; write \{ machine \}/,
  ],
  "no options where some are needed": [
    () => longshort.loadTagger("runs/tags", any(undefined)),
    /loadTagger: expected \{ machine, … \}, got nothing/,
  ],
  "no machine": [
    () => longshort.loadClassifier("runs/names", any({})),
    /loadClassifier: expected machine, which cannot be left out/,
  ],
  "a machine that was not awaited": [
    () => longshort.loadForecaster("runs/sales", { machine: any(longshort.openMachine("reference")) }),
    /machine: expected a machine.*got a Promise; is an `await` missing\?/,
  ],
  "an optimizer that was not made": [
    () =>
      longshort.trainClassifier({
        machine,
        examples: any(examples(["x", "y", "x", "y"])),
        optimizer: any(longshort.adam),
      }),
    /optimizer: expected an optimizer, such as `adam\(\)`, got the function adam/,
  ],
};

describe("what is of another kind is told in words, and what to do", () => {
  for (const [name, [call, message]] of Object.entries(calls))
    it(name, async () => {
      const error = await Promise.resolve()
        .then(call)
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(longshort.UsageError);
      expect((error as Error).message).toMatch(message);
    });

  it("one input for a list of them", async () => {
    const { trainer, classifier } = await longshort.trainClassifier({
      ...{ machine, validation: 0, epochs: 1, model: { hiddenSize: 2, embeddingSize: 2 } },
      examples: { inputs: ["a b", "b a", "a a", "b b"], labels: ["x", "y", "x", "y"] },
    });
    await expect(classifier.predict(any("a b"))).rejects.toThrow(
      /inputs: expected a list of texts or series, got the string "a b"/,
    );
    await trainer.close();
  });
});

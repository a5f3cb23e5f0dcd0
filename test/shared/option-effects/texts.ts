import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type BucketedBatchesOptions, bucketedBatches } from "../../../src/data/bucketed-batches.ts";
import { type CorpusOptions, openCorpus } from "../../../src/data/corpus.ts";
import { hasEpochs } from "../../../src/data/document-order.ts";
import { type PadSequencesOptions, padSequences } from "../../../src/data/pad-sequences.ts";
import { type StratifiedSplitOptions, stratifiedSplit } from "../../../src/data/stratified-split.ts";
import { type NgramOptions, ngramBaselines } from "../../../src/text/ngram.ts";
import type { TokenSequence } from "../../../src/text/token-sequence.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../../../src/text/train-tokenizer.ts";
import { type EffectTable, type OptionEffects, outcomeOf, shows } from "./effects.ts";
import { numbers } from "./on-reference.ts";

const text = "Aa don't b-c, Aa don't d.\nＡ b c d e f g!\n".repeat(4);

/** Options of a tokenizer that is made; beside "word" what they need is given with them. */
export const tokenizing = {
  kind: ["byte"],
  minCount: [5],
  vocabularySize: [4],
  unknown: [false],
  segmentation: ["space"],
  alphabet: ["character", { kind: "bpe" }],
  normalize: [["nfkc"]],
  specialTokens: [["<end>"]],
  signal: [AbortSignal.abort()],
} as unknown as OptionEffects["options"];

const contents = (tokens: TokenSequence): Int32Array => {
  const all = new Int32Array(tokens.length);
  tokens.copyTo(all, 0, 0, tokens.length);
  return all;
};

const file = (content: string) => new Blob([content]);
async function corpus(options: Omit<CorpusOptions, "files">): Promise<unknown> {
  const one = await openCorpus({ files: [file(text)], ...options });
  const { train, validation, sizes, tokenizer } = one;
  const seen = [contents(hasEpochs(train) ? train.inEpoch(1) : train), contents(validation), sizes, tokenizer.toJSON()];
  one.close();
  return seen;
}

/** What lies in the folder of a cache while a corpus is open, and afterwards. */
async function filesIn(given: boolean): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "longshort-effects-"));
  const path = join(mkdtempSync(join(tmpdir(), "longshort-effects-")), "text.txt");
  writeFileSync(path, text);
  const one = await openCorpus({ files: [path], memoryLimit: 1, ...(given && { cache: folder }) });
  const open = readdirSync(folder).length;
  one.close();
  const closed = readdirSync(folder).length;
  for (const made of [folder, dirname(path)]) rmSync(made, { recursive: true });
  return [open, closed];
}

const special = trainTokenizer("abc<end>", { kind: "character", specialTokens: ["<end>"] });

export const texts: EffectTable = {
  trainTokenizer: shows(
    (options: TrainTokenizerOptions) => outcomeOf(async () => (await trainTokenizer(text, options)).toJSON()),
    { kind: "word" },
    tokenizing as object,
  ),
  "Tokenizer.encode": shows(
    async (options: { allowSpecial?: boolean | readonly string[] }) =>
      (await special).encode("a<end>", options as never),
    {},
    { allowSpecial: [true] },
  ),
  "Tokenizer.streamEncoder": shows(
    async (options: { allowSpecial?: boolean | readonly string[] }) => {
      const encoder = (await special).streamEncoder(options as never);
      return [...encoder.push("a<end>"), ...encoder.end()];
    },
    {},
    { allowSpecial: [true] },
  ),
  ngramBaselines: shows(
    (options: NgramOptions) =>
      ngramBaselines(
        Int32Array.from({ length: 60 }, (_, k) => (k * k) % 7),
        Int32Array.from([1, 2, 4, 2, 1]),
        8,
        options,
      ),
    {},
    { add: [0.1], maxTokens: [30] },
  ),
  openCorpus: shows((options: Omit<CorpusOptions, "files">) => outcomeOf(() => corpus(options)), {}, {
    signal: [AbortSignal.abort()],
    tokenizer: [{ kind: "word" }],
    vocabularySample: [20],
    validation: [0.4],
    documents: ["line"],
    endToken: ["<stop>", { documents: "line" }],
    shuffle: [true, { documents: "line" }],
    seed: [1, { documents: "line", shuffle: true }],
    memoryLimit: [1],
    // The file has no name any more once it is open.
    folder: async () => [
      await outcomeOf(() => corpus({ memoryLimit: 1 }).then(() => "made")),
      await outcomeOf(() => corpus({ memoryLimit: 1, folder: join(tmpdir(), "there", "is", "none") })),
    ],
    cache: async () => [await filesIn(false), await filesIn(true)],
    onProgress: async () => {
      let told = 0;
      await corpus({ onProgress: () => told++ });
      return [0, told];
    },
  } as object),
  "openCorpus tokenizer": shows(
    (tokenizer: TrainTokenizerOptions) => outcomeOf(() => corpus({ tokenizer })),
    { kind: "word" },
    tokenizing as object,
  ),
  padSequences: shows(
    (options: PadSequencesOptions) =>
      padSequences(
        [
          [1, 2, 3, 4],
          [5, 6],
        ],
        options,
      ),
    {},
    { steps: [5], channels: [2], value: [7], side: ["start"] },
  ),
  bucketedBatches: shows(
    async (options: Partial<BucketedBatchesOptions>) => {
      const source = bucketedBatches({
        ...{ lengths: numbers(30).map((x) => Math.round(4 + 3 * x)), batchSize: 4 },
        ...{ inputs: (examples, steps) => ({ examples, steps: [steps] }), ...options },
      });
      return [source.identity, await Promise.all([0, 1, 2].map((index) => source.batch(1, index)))];
    },
    {},
    { seed: [1], bucket: [1], evenBatches: [false], weight: [() => 7], identity: [{ any: 1 }] },
  ),
  stratifiedSplit: shows(
    (options: StratifiedSplitOptions) =>
      stratifiedSplit(
        Array.from({ length: 30 }, (_, k) => String(k % 3)),
        options,
      ),
    {},
    { validation: [0.4], seed: [1] },
  ),
};

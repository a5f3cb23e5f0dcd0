import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { openCorpus } from "../../src/data/corpus.ts";
import { ngramBaselines } from "../../src/text/ngram.ts";
import { describeWithReferenceData } from "../support/reference-data.ts";

/** By a dense table and one λ for all contexts, found by trying a few: another way to nearly the same figure. */
function bigramByGrid(train: Int32Array, validation: Int32Array, V: number): number {
  const table = (tokens: Int32Array) => {
    const pairs = new Float64Array(V * V);
    const rows = new Float64Array(V);
    const unigrams = new Float64Array(V).fill(1);
    for (let i = 0; i < tokens.length; i++) {
      unigrams[tokens[i]!]!++;
      if (i === 0) continue;
      pairs[tokens[i - 1]! * V + tokens[i]!]!++;
      rows[tokens[i - 1]!]!++;
    }
    return { pairs, rows, unigrams, total: tokens.length + V };
  };
  const loss = ({ pairs, rows, unigrams, total }: ReturnType<typeof table>, tokens: Int32Array, lambda: number) => {
    let sum = 0;
    for (let i = 1; i < tokens.length; i++) {
      const v = tokens[i - 1]!;
      const w = tokens[i]!;
      const bigram = rows[v]! > 0 ? pairs[v * V + w]! / rows[v]! : 0;
      sum -= Math.log(lambda * bigram + ((1 - lambda) * unigrams[w]!) / total);
    }
    return sum / (tokens.length - 1);
  };
  const cut = Math.ceil(train.length * 0.9);
  const estimated = table(train.subarray(0, cut));
  const candidates = [0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999];
  const losses = candidates.map((lambda) => loss(estimated, train.subarray(cut - 1), lambda));
  return loss(table(train), validation, candidates[losses.indexOf(Math.min(...losses))]!);
}

// The figures of the baselines are those of a second implementation, in Python, of what ngram.ts describes.
describeWithReferenceData("tinyshakespeare", "datasets/lm/tinyshakespeare.txt.gz", (file) => {
  test("has 65 characters; the baselines are these", async () => {
    const corpus = await openCorpus({ files: [file], tokenizer: { kind: "character" } });
    expect(corpus.sizes).toEqual({
      vocabularySize: 65,
      trainTokens: 1_003_854,
      validationTokens: 111_540,
      bytesPerToken: 1,
      place: "memory",
    });
    const { train, validation } = corpus;
    const copy = (sequence: typeof train) => {
      const all = new Int32Array(sequence.length);
      sequence.copyTo(all, 0, 0, sequence.length);
      return all;
    };
    const text = gunzipSync(readFileSync(file)).toString("utf8");
    expect(corpus.tokenizer.decode(copy(train)) + corpus.tokenizer.decode(copy(validation)) === text).toBe(true);
    const { unigram, bigram } = ngramBaselines(train, validation, 65);
    expect(unigram).toBeCloseTo(3.3473, 3);
    expect(bigram).toBeCloseTo(2.4866, 3);
    const other = bigramByGrid(copy(train), copy(validation), 65);
    expect(Math.abs(bigram - other)).toBeLessThan(0.005);
    const graphemes = await openCorpus({ files: [file] });
    expect(graphemes.tokenizer.vocabulary).toEqual(corpus.tokenizer.vocabulary);
  });
});

describeWithReferenceData("Tang poems", "datasets/lm/tangshi.tsv.gz", (file) => {
  test("6,695 kinds in 1,131,641 characters; bigrams without a dense table", async () => {
    const lines = gunzipSync(readFileSync(file)).toString("utf8").trimEnd().split("\n");
    const texts = lines.map((line) => line.split("\t")[2]!);
    expect(texts).toHaveLength(19_374);
    const folder = mkdtempSync(join(tmpdir(), "tang-"));
    try {
      writeFileSync(join(folder, "plain.txt"), texts.join(""));
      const plain = await openCorpus({ files: [join(folder, "plain.txt")], validation: 0 });
      expect(plain.sizes).toMatchObject({ vocabularySize: 6695, trainTokens: 1_131_641, bytesPerToken: 2 });
      writeFileSync(join(folder, "lines.txt"), texts.join("\n"));
      const { train, validation, sizes } = await openCorpus({ files: [join(folder, "lines.txt")] });
      const { unigram, bigram } = ngramBaselines(train, validation, sizes.vocabularySize);
      expect(unigram).toBeCloseTo(6.684, 3);
      expect(bigram).toBeCloseTo(5.8494, 3);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describeWithReferenceData("Penn Treebank", "datasets/lm/ptb.train.txt.gz", (file) => {
  test("by spaces: 10,000 words, one <eos> a line", async () => {
    const others = ["valid", "test"].map((part) => join(dirname(file), `ptb.${part}.txt.gz`));
    const { tokenizer, train, validation } = await openCorpus({
      files: [file],
      tokenizer: { kind: "word", segmentation: "space" },
      validation: [others[0]!],
    });
    expect(tokenizer.vocabularySize).toBe(10_000);
    expect([train.length, validation.length]).toEqual([929_589, 73_760]);
    const test = await openCorpus({ files: [others[1]!], tokenizer, validation: 0 });
    expect(test.train.length).toBe(82_430);
    const { unigram, bigram } = ngramBaselines(train, validation, 10_000);
    expect(unigram).toBeCloseTo(6.529, 3);
    expect(bigram).toBeCloseTo(5.3746, 3);
  });
});

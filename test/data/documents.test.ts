import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { carriedBatches } from "../../src/data/carried-batches.ts";
import { type CorpusOptions, openCorpus } from "../../src/data/corpus.ts";
import { type EpochTokens, shuffleDocuments } from "../../src/data/document-order.ts";
import { type DocumentSplit, documentSplitter } from "../../src/data/documents.ts";
import { globExpression } from "../../src/platform/glob.ts";
import { expectTokens, type TokenSequence } from "../../src/text/token-sequence.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "documents-test-"));
  mkdirSync(join(folder, "data/a/deep"), { recursive: true });
  const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, "data", name), content);
  write("b.txt", "bbb");
  write("a/one.txt", "one one");
  write("a/deep/two.txt", "two");
  write("a/deep/three.txt.gz", gzipSync("three"));
  write("a/notes.md", "notes");
  write(".hidden.txt", "hidden");
  symlinkSync(join(folder, "data"), join(folder, "data/a/circle"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const all = (tokens: TokenSequence): number[] => {
  const copy = new Int32Array(tokens.length);
  tokens.copyTo(copy, 0, 0, tokens.length);
  return [...copy];
};

describe("files", () => {
  const read = async (...paths: string[]): Promise<string> => {
    const files = paths.map((path) => join(folder, path));
    const corpus = await openCorpus({ files, tokenizer: { kind: "character" }, validation: 0 });
    const text = corpus.tokenizer.decode(all(corpus.train));
    corpus.close();
    return text;
  };

  test("are found in folders and by patterns, in the order of their names", async () => {
    expect(await read("data")).toBe("threetwonotesone onebbb");
    expect(await read("data/**/*.txt")).toBe("twoone onebbb");
    expect(await read("data/*.txt")).toBe("bbb");
    expect(await read("data/a/**")).toBe("threetwonotesone one");
    expect(await read("data/**/{one,three}.*")).toBe("threeone one");
    expect(await read("data/a/deep/t[w-z]?.txt")).toBe("two");
    expect(await read("data/b.txt", "data/a/deep/*")).toBe("bbbthreetwo");
    expect(await read("data/.*.txt")).toBe("hidden");
  });

  test("that are not there are said to be missing", async () => {
    mkdirSync(join(folder, "empty"), { recursive: true });
    await expect(read("data/*.csv")).rejects.toMatchObject({ code: "no-files" });
    await expect(read("nowhere/**/*.txt")).rejects.toMatchObject({ code: "no-files" });
    await expect(read("empty")).rejects.toThrow(/no file in this folder/);
    await expect(read("data/c.txt")).rejects.toMatchObject({ code: "file-not-found" });
  });

  test("a name that looks like a pattern is a name if there is such a file", async () => {
    writeFileSync(join(folder, "odd[1].txt"), "odd");
    expect(await read("odd[1].txt")).toBe("odd");
  });

  test.each([
    ["*.txt", "a.txt", true],
    ["*.txt", "a/b.txt", false],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/y/b", true],
    ["a/**/b", "a/.x/b", false],
    ["[!a].t", "b.t", true],
    ["[!a].t", "a.t", false],
    ["a+(b).t", "a+(b).t", true],
    ["{a,b}{c,d}", "bd", true],
    ["{a", "{a", true],
    ["?", "é", true],
  ])("%s and %s: %s", (pattern, path, matches) => expect(globExpression(pattern).test(path)).toBe(matches));
});

describe("documents", () => {
  const split = (how: DocumentSplit, text: string, size: number): string[] => {
    const splitter = documentSplitter(how);
    const documents: string[] = [];
    let open = "";
    const take = (pieces: Iterable<{ text: string; ends: boolean }>): void => {
      for (const piece of pieces) {
        open += piece.text;
        if (piece.ends) documents.push(open);
        if (piece.ends) open = "";
      }
    };
    for (let at = 0; at < text.length; at += size) take(splitter.push(text.slice(at, at + size)));
    take(splitter.end());
    expect(open).toBe("");
    return documents;
  };

  test.each<[DocumentSplit, string, string[]]>([
    ["file", "a\n\nb", ["a\n\nb"]],
    ["file", "", []],
    ["line", "a\r\nb\n\n\nc", ["a", "b", "c"]],
    ["line", "\n\n", []],
    ["blank-line", "a\nb\n\n \n\nc\r\nd\n", ["a\nb", "c\nd"]],
    ["blank-line", "\n\na", ["a"]],
    [{ marker: "<|end|>" }, "a\n<|end|>\nb<|end|><|end|>\r\n<|e", ["a\n", "b", "<|e"]],
    [{ marker: "\n---\n" }, "a\n---\nb\n--", ["a", "b\n--"]],
    [{ marker: "aa" }, "baaac", ["b", "ac"]],
  ])("%o of %j, wherever the text is cut", (how, text, expected) => {
    for (let size = 1; size <= Math.max(1, text.length); size++)
      expect(split(how, text, size), `${size}`).toEqual(expected);
  });

  const open = (text: string, options: Partial<CorpusOptions>) =>
    openCorpus({ files: [new Blob([text])], tokenizer: { kind: "character" }, ...options });

  test("each ends with the token for that, and validation begins with one", async () => {
    const lines = Array.from({ length: 20 }, (_, k) => `line ${String.fromCharCode(97 + k)}`);
    const corpus = await open(`${lines.join("\n")}\n`, { documents: "line", validation: 0.22 });
    const { tokenizer, sizes } = corpus;
    const end = tokenizer.specialTokens["<|endoftext|>"]!;
    const texts = (tokens: TokenSequence) => {
      expect(all(tokens).at(-1)).toBe(end);
      return all(tokens)
        .map((token) => (token === end ? "|" : tokenizer.vocabulary[token]))
        .join("")
        .slice(0, -1)
        .split("|");
    };
    expect([...texts(corpus.train), ...texts(corpus.validation)]).toEqual(lines);
    expect(sizes.documents).toEqual({ train: 15, validation: 5 });
    expect(tokenizer.vocabulary).not.toContain("\n");
  });

  test("a tokenizer of one's own is used with its special token", async () => {
    const tokenizer = await trainTokenizer("x", { kind: "byte", specialTokens: ["<a>", "<b>"] });
    const ends = async (endToken?: string) =>
      all((await open("x\ny", { documents: "line", tokenizer, endToken, validation: 0 })).train);
    expect(await ends()).toEqual([120, 256, 121, 256]);
    expect(await ends("<b>")).toEqual([120, 257, 121, 257]);
    await expect(ends("<c>")).rejects.toThrow(/no "<c>"; it has <a>, <b>/);
    const plain = await trainTokenizer("x", { kind: "byte" });
    await expect(open("x\ny", { documents: "line", tokenizer: plain })).rejects.toMatchObject({
      code: "unknown-special-token",
    });
  });

  test("what cannot be is refused", async () => {
    await expect(open("ab", { documents: "lines" as "line" })).rejects.toThrow(/did you mean "line"/);
    await expect(open("ab", { documents: { marker: "" } })).rejects.toMatchObject({ code: "bad-option" });
    await expect(open("ab", { shuffle: true })).rejects.toThrow(/shuffle and endToken need it/);
    await expect(open("ab\ncd", { documents: "line", seed: -1 })).rejects.toMatchObject({ code: "out-of-range" });
    await expect(open("abc", { documents: "file" })).rejects.toMatchObject({ code: "too-few-tokens" });
  });
});

describe("order", () => {
  const tokens = expectTokens("tokens", Int32Array.from([1, 9, 2, 2, 9, 3, 3, 3, 9, 4, 4, 4, 4, 9]));
  const starts = [0, 2, 5, 9];
  const documents = (order: readonly number[]): string[] => order.join("").match(/\d*?9/g)!;

  test("is another one in each epoch, of whole documents, and a function of seed and epoch", () => {
    const shuffled = shuffleDocuments(tokens, starts, 3);
    const orders = Array.from({ length: 12 }, (_, epoch) => all(shuffled.inEpoch(epoch)));
    for (const order of orders) expect(documents(order).sort()).toEqual(["19", "229", "3339", "44449"]);
    expect(new Set(orders.map(String)).size).toBeGreaterThan(6);
    expect(all(shuffleDocuments(tokens, starts, 3).inEpoch(7))).toEqual(orders[7]);
    expect(Array.from({ length: 12 }, (_, e) => all(shuffleDocuments(tokens, starts, 4).inEpoch(e)))).not.toEqual(
      orders,
    );
    expect(all(shuffled)).toEqual(all(tokens));
    const part = new Int32Array(5);
    for (let start = 0; start + 5 <= 14; start++) {
      shuffled.inEpoch(2).copyTo(part, 0, start, 5);
      expect([...part]).toEqual(orders[2]!.slice(start, start + 5));
    }
  });

  test("reaches the batches of training", async () => {
    const text = Array.from({ length: 40 }, (_, k) => `document ${k}`).join("\n");
    const files = [new Blob([text])];
    const corpus = await openCorpus({ files, documents: "line", shuffle: true, seed: 1, validation: 0 });
    expect((corpus.train as EpochTokens).inEpoch).toBeTypeOf("function");
    const source = carriedBatches({ tokens: corpus.train, streams: 2, steps: 5 });
    expect(source.identity).toEqual({ shuffle: 1 });
    const inputs = (epoch: number) =>
      Array.from({ length: source.batchesPerEpoch }, (_, k) => Array.from(source.batch(epoch, k).inputs.tokens!));
    const first = inputs(0);
    expect(inputs(1)).not.toEqual(first);
    expect(inputs(0)).toEqual(first);
  });
});

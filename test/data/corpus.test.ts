import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { countCharacters, openCorpus } from "../../src/data/corpus.ts";
import { readText } from "../../src/data/text-files.ts";
import { storeTokens } from "../../src/data/token-store.ts";
import { firstInvalidUtf8 } from "../../src/data/utf8.ts";
import { pieces, type TokenSequence } from "../../src/text/token-sequence.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";

const folder = mkdtempSync(join(tmpdir(), "corpus-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function all(sequence: TokenSequence): Int32Array {
  const target = new Int32Array(sequence.length);
  sequence.copyTo(target, 0, 0, sequence.length);
  return target;
}

async function textOf(...files: string[]): Promise<string> {
  let text = "";
  for await (const piece of readText(files)) text += piece;
  return text;
}

describe("a corpus", () => {
  const poem = "秦川雄帝宅，函谷壯皇居。\nTo be, or not to be\r\n".repeat(20);

  test.each(["grapheme", "character", "byte"] as const)("of %ss: both parts together are the text", async (kind) => {
    const corpus = await openCorpus({ files: [file("poem.txt", poem)], tokenizer: { kind } });
    const { tokenizer, train, validation, sizes } = corpus;
    expect(tokenizer.decode([...all(train), ...all(validation)])).toBe(poem);
    const n = train.length + validation.length;
    expect(train.length).toBe(Math.floor(n * 0.9));
    expect(sizes).toEqual({
      vocabulary: tokenizer.vocabularySize,
      trainTokens: train.length,
      validationTokens: validation.length,
      bytesPerToken: 1,
      place: "memory",
    });
    corpus.close();
  });

  test("of several files, gzip among them, is their text one after the other", async () => {
    const files = [file("a.txt", poem), file("b.gz", gzipSync("second")), file("c.txt", "\ufeffthird")];
    const { tokenizer, train } = await openCorpus({ files, validation: 0 });
    expect(tokenizer.decode(all(train))).toBe(`${poem}secondthird`);
  });

  test("with validation files of its own", async () => {
    const { tokenizer, train, validation } = await openCorpus({
      files: [file("a.txt", poem)],
      validation: [file("v.txt", "be not")],
    });
    expect(tokenizer.decode(all(train))).toBe(poem);
    expect(tokenizer.decode(all(validation))).toBe("be not");
  });

  test("above the memory limit lies in a temporary file and reads the same", async () => {
    const files = [file("a.txt", poem.repeat(3000))];
    const place = mkdtempSync(join(folder, "place-"));
    const inMemory = await openCorpus({ files });
    const inFile = await openCorpus({ files, tokenizer: inMemory.tokenizer, memoryLimit: 100_000, folder: place });
    expect(inMemory.sizes.place).toBe("memory");
    expect(inFile.sizes).toEqual({ ...inMemory.sizes, place: "file" });
    expect(inMemory.train.length).toBeGreaterThan(2 ** 20);
    expect(Buffer.compare(Buffer.from(all(inFile.train).buffer), Buffer.from(all(inMemory.train).buffer))).toBe(0);
    const some = new Int32Array(20);
    inFile.validation.copyTo(some, 5, 7, 10);
    expect(some.slice(5, 15)).toEqual(all(inMemory.validation).slice(7, 17));
    inFile.close();
    inMemory.close();
  });

  test("tells its progress", async () => {
    const seen: string[] = [];
    const path = file("a.txt", "some text of more than a few characters");
    await openCorpus({
      files: [path],
      onProgress: ({ pass, bytes, file: name }) => seen.push(`${pass} ${bytes} ${name === path}`),
    });
    expect(seen).toEqual(["vocabulary 39 true", "tokens 39 true"]);
  });

  test("characters are counted the same for every tokenizer", async () => {
    const files = [file("mixed.txt", "é🇩🇪 秦\n")];
    for (const kind of ["grapheme", "character", "byte"] as const) {
      const { tokenizer, train } = await openCorpus({ files, tokenizer: { kind }, validation: 0 });
      expect(countCharacters(tokenizer, train)).toBe(6);
    }
  });
});

describe("bad input", () => {
  const nul = Buffer.from(`${"text ".repeat(100_000)}\0 more`);
  test.each([
    ["file-empty", () => file("empty.txt", "")],
    ["file-empty", () => file("empty.gz", gzipSync(""))],
    ["file-not-found", () => join(folder, "missing.txt")],
    ["no-files", () => mkdtempSync(join(folder, "empty-"))],
    ["not-text", () => file("nul", nul)],
    ["not-text", () => file("latin1", Buffer.from("caf\xe9 au lait", "latin1"))],
    ["not-text", () => file("utf16", Buffer.from("\ufefftext", "utf16le"))],
    ["gzip-damaged", () => file("cut.gz", gzipSync(nul).subarray(0, 40))],
    ["too-few-tokens", () => file("one.txt", "a")],
    ["text-empty", () => file("bom.txt", "\ufeff")],
  ])("%s", async (code, make) => {
    await expect(openCorpus({ files: [make()] })).rejects.toMatchObject({ name: "UsageError", code });
  });

  test("the message gives the offset of what is not text", async () => {
    await expect(openCorpus({ files: [file("nul", nul)] })).rejects.toThrow(/byte 500000 is 0.*--tokenizer byte/);
    await expect(openCorpus({ files: [file("utf16", Buffer.from("\ufefftext", "utf16le"))] })).rejects.toThrow(
      /UTF-16/,
    );
    const cut = file("cut", Buffer.from("秦川").subarray(0, 5));
    await expect(openCorpus({ files: [cut] })).rejects.toThrow(/ends within the character that begins at byte 3/);
  });

  test("bytes are read from any file", async () => {
    const { train, sizes } = await openCorpus({
      files: [file("nul", nul)],
      tokenizer: { kind: "byte" },
      validation: 0,
    });
    expect(train.length).toBe(nul.length);
    expect(sizes.vocabulary).toBe(256);
  });

  test("arguments", async () => {
    const files = [file("ab.txt", "ab ab ab")];
    await expect(openCorpus({ files: [] })).rejects.toMatchObject({ code: "no-files" });
    await expect(openCorpus({ files, validation: [] })).rejects.toMatchObject({ code: "no-files" });
    await expect(openCorpus({ files, validation: 1 })).rejects.toMatchObject({ code: "out-of-range" });
    await expect(openCorpus({ files, validation: Number.NaN })).rejects.toMatchObject({ code: "out-of-range" });
    const tokenizer = await trainTokenizer({ kind: "character" }, "a");
    await expect(openCorpus({ files, tokenizer })).rejects.toMatchObject({ code: "unknown-token" });
    await expect(openCorpus({ files, tokenizer: { kind: "bytes" as "byte" } })).rejects.toMatchObject({
      code: "unknown-choice",
    });
  });
});

describe("text of a file", () => {
  test("is valid UTF-8 or an error with the offset that a look at the whole file gives", async () => {
    const scrap = fc.oneof(
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
      fc.constantFrom(
        [0xc0, 0x80],
        [0xe0, 0x80, 0x80],
        [0xed, 0xa0, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0xff],
        [0xe7],
        [0x80],
      ),
    );
    const content = fc.tuple(fc.constantFrom(0, 262_140, 262_143), fc.array(scrap, { maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(content, async ([before, scraps]) => {
        const all = Buffer.concat([Buffer.alloc(before, "a"), ...scraps.map((s) => Buffer.from(s))]);
        if (all.length === 0 || all.includes(0)) return;
        const path = file("scraps", all);
        let expected: string | undefined;
        try {
          expected = new TextDecoder("utf-8", { fatal: true }).decode(all);
        } catch {
          // What follows says where.
        }
        const offset = firstInvalidUtf8(all, { final: true });
        expect(offset === -1).toBe(expected !== undefined);
        if (expected !== undefined) {
          if (expected !== (await textOf(path))) expect(await textOf(path)).toBe(expected);
        } else await expect(textOf(path)).rejects.toThrow(new RegExp(`byte ${offset}( is not UTF-8|;)`));
      }),
      { numRuns: 150 },
    );
  });
});

test.each([
  [256, 1],
  [257, 2],
  [65_536, 2],
  [65_537, 4],
])("a vocabulary of %i takes %i bytes a token", async (vocabularySize, bytesPerToken) => {
  const tokens = Int32Array.from({ length: 1000 }, (_, i) => vocabularySize - 1 - (i % 200));
  for (const memoryLimit of [0, 1_000_000]) {
    const store = await storeTokens([tokens.subarray(0, 10), tokens.subarray(10)], { vocabularySize, memoryLimit });
    expect(store.bytesPerToken).toBe(bytesPerToken);
    expect(store.place).toBe(memoryLimit === 0 ? "file" : "memory");
    expect(all(store)).toEqual(tokens);
    expect([...pieces(store)].length).toBe(1);
    expect(() => store.copyTo(new Int32Array(2), 0, 999, 2)).toThrow(RangeError);
    store.close();
  }
});

test("a folder for the temporary file that is not there is an error, not lost data", async () => {
  mkdirSync(join(folder, "there"), { recursive: true });
  const tokens = [Int32Array.of(1, 2, 3)];
  const store = storeTokens(tokens, { vocabularySize: 5, memoryLimit: 0, folder: join(folder, "not-there") });
  await expect(store).rejects.toMatchObject({ name: "FailureError", code: "file-write-failed" });
});

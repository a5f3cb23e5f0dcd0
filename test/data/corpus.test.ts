import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { openCorpus } from "../../src/data/corpus.ts";
import { countCharacters } from "../../src/data/count-characters.ts";
import { readText } from "../../src/data/text-files.ts";
import { sampleText } from "../../src/data/text-sample.ts";
import { storeTokens } from "../../src/data/token-store.ts";
import { firstInvalidUtf8 } from "../../src/data/utf8.ts";
import { hashOf, pieces, type TokenSequence } from "../../src/text/token-sequence.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { tokenizerFromJSON } from "../../src/text/tokenizer-from-json.ts";
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
      vocabularySize: tokenizer.vocabularySize,
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

describe("a corpus beyond the memory limit", () => {
  const text = Array.from({ length: 3000 }, (_, i) => `line ${i} of the text: 秦川\n`).join("");
  const bytes = new TextEncoder().encode(text);
  const [half, rest] = [bytes.subarray(0, 30_001), bytes.subarray(30_001)];
  const memoryLimit = 1000;

  test("is read where it lies when bytes are the tokens: no pass over it, the same tokens", async () => {
    const files = [file("half.txt", half), file("rest.txt", rest)];
    const seen: string[] = [];
    const corpus = await openCorpus({
      ...{ files, tokenizer: { kind: "byte" }, memoryLimit },
      onProgress: ({ pass }) => seen.push(pass),
    });
    expect(seen).toEqual([]);
    expect(corpus.sizes.place).toBe("file");
    expect(Uint8Array.from([...all(corpus.train), ...all(corpus.validation)])).toEqual(bytes);
    const across = new Int32Array(10);
    corpus.train.copyTo(across, 0, 29_996, 10);
    expect([...across]).toEqual([...bytes.subarray(29_996, 30_006)]);
    const changed = Uint8Array.from(rest);
    changed[0]! ^= 1;
    const other = await openCorpus({
      ...{ files: [files[0]!, file("changed.txt", changed)], tokenizer: { kind: "byte" }, memoryLimit },
    });
    expect(other.train.hash).not.toBe(corpus.train.hash);
    corpus.close();
    other.close();
  });

  test("of bytes in gzip is unpacked to a file", async () => {
    const corpus = await openCorpus({
      ...{ files: [file("half.txt", half), file("rest.gz", gzipSync(rest))], validation: 0, memoryLimit },
      tokenizer: { kind: "byte" },
    });
    expect(Uint8Array.from(all(corpus.train))).toEqual(bytes);
    corpus.close();
  });

  test("holds few of many files open, and refuses an empty one", async () => {
    const files = Array.from({ length: 100 }, (_, i) => file(`part-${i}.txt`, `part ${i} `.repeat(5)));
    const tokenizer = { kind: "byte" } as const;
    const corpus = await openCorpus({ files, tokenizer, validation: 0, memoryLimit });
    const whole = await openCorpus({ files, tokenizer, validation: 0 });
    expect(all(corpus.train)).toEqual(all(whole.train));
    corpus.close();
    const empty = openCorpus({ files: [...files, file("none.txt", "")], tokenizer, memoryLimit });
    await expect(empty).rejects.toMatchObject({ code: "file-empty" });
  });

  test.each([undefined, "line" as const])("is found again in its cache (documents: %s)", async (documents) => {
    const path = file("cached.txt", text);
    const cache = join(folder, `cache-${documents}`);
    const open = async (tokenizer?: Tokenizer) => {
      const passes = new Set<string>();
      const corpus = await openCorpus({
        ...{ files: [path], memoryLimit, cache, documents, ...(documents && { shuffle: true, seed: 1 }) },
        ...(tokenizer && { tokenizer }),
        onProgress: ({ pass }) => passes.add(pass),
      });
      const { train, validation, tokenizer: made, sizes } = corpus;
      const shown = { passes: [...passes], train: all(train), validation: all(validation), sizes, made };
      corpus.close();
      return { ...shown, hash: hashOf(train) };
    };
    const first = await open();
    expect(first.passes).toEqual(["vocabulary", "tokens"]);
    const again = await open(tokenizerFromJSON(JSON.parse(JSON.stringify(first.made))));
    expect(again.passes).toEqual([]);
    for (const key of ["train", "validation", "sizes", "hash"] as const) expect(again[key]).toEqual(first[key]);
    // A file that was written to, a damaged cache: made anew.
    utimesSync(path, 1, 1);
    expect((await open(first.made)).passes).toEqual(["tokens"]);
    expect((await open(first.made)).passes).toEqual([]);
    truncateSync(join(cache, "tokens.bin"), 100);
    const repaired = await open(first.made);
    expect(repaired.passes).toEqual(["tokens"]);
    expect(repaired.train).toEqual(first.train);
  });

  test("leaves nothing in its cache when reading ends in an error", async () => {
    const cache = join(folder, "cache-broken");
    // The first million of tokens is in the file when the error comes.
    const files = [file("broken.txt", `${"ab".repeat(600_000)}\0`)];
    const tokenizer = await trainTokenizer("ab", { kind: "character" });
    await expect(openCorpus({ files, tokenizer, memoryLimit: 0, cache })).rejects.toMatchObject({ code: "not-text" });
    expect(readdirSync(cache)).toEqual([]);
  });

  test("has a vocabulary from a sample of it, and <unk> for the rest", async () => {
    const long = `${"begin\n".repeat(300_000)}${"middle 秦\n".repeat(300_000)}seldom ☃\n${"end\n".repeat(300_000)}`;
    const corpus = await openCorpus({
      ...{ files: [file("long.txt", long)], tokenizer: { kind: "word" }, vocabularySample: 3000 },
    });
    expect([...corpus.tokenizer.vocabulary].sort()).toEqual(["<eos>", "<unk>", "begin"]);
    corpus.close();
    // Whoever reads no further leaves no file open.
    if (process.platform === "linux") {
      const open = (): number => readdirSync("/proc/self/fd").length;
      const before = open();
      for await (const _ of sampleText([join(folder, "long.txt")], 3 * 2 ** 20)) break;
      expect(open()).toBe(before);
    }
    const wide = await openCorpus({ files: [join(folder, "long.txt")], vocabularySample: 3 * 2 ** 20 });
    for (const letter of ["b", "m", "秦", "d", "<unk>"]) expect(wide.tokenizer.vocabulary).toContain(letter);
    expect(wide.tokenizer.vocabulary).not.toContain("☃");
    wide.close();
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
    expect(sizes.vocabularySize).toBe(256);
  });

  test("arguments", async () => {
    const files = [file("ab.txt", "ab ab ab")];
    await expect(openCorpus({ files: [] })).rejects.toMatchObject({ code: "no-files" });
    await expect(openCorpus({ files, validation: [] })).rejects.toMatchObject({ code: "no-files" });
    await expect(openCorpus({ files, validation: 1 })).rejects.toMatchObject({ code: "out-of-range" });
    await expect(openCorpus({ files, validation: Number.NaN })).rejects.toMatchObject({ code: "out-of-range" });
    const tokenizer = await trainTokenizer("a", { kind: "character" });
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

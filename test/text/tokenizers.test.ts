import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeStream } from "../../src/data/token-stream.ts";
import { ByteTokenizer } from "../../src/text/bytes.ts";
import type { Tokenizer, TokenizerKind } from "../../src/text/tokenizer.ts";
import { tokenizerFromJSON } from "../../src/text/tokenizer-from-json.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";

/** Text of all scripts, with what graphemes are hard about, line ends of all kinds, and lines longer than a window. */
const awkward = fc.oneof(
  fc.constantFrom(
    ..."\n|\r\n|\r|é|e\u0301|🇩🇪|🇩|👨‍👩‍👧‍👦|한|각|นี้|क्षि|秦川雄帝宅|，|a|b| |<unk>|<eos>|<|\ufeff|\u0600|ﾞ|𠀀|don't|“x”".split(
      "|",
    ),
  ),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
);
const text = fc.oneof(
  fc.array(awkward, { maxLength: 40 }).map((parts) => parts.join("")),
  fc.tuple(fc.array(awkward, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 300 })).map(([parts, times]) =>
    parts
      .join("")
      .repeat(times)
      .slice(0, 4000)
      .replace(/[\ud800-\udbff]$/, ""),
  ),
);
const nonEmpty = text.filter((t) => t.length > 0);

const kinds: TokenizerKind[] = ["grapheme", "character", "byte", "word", "bpe"];

async function encodeInPieces(tokenizer: Tokenizer, whole: string, cuts: readonly number[]): Promise<number[]> {
  const pieces: string[] = [];
  let at = 0;
  for (const cut of cuts) {
    pieces.push(whole.slice(at, at + cut));
    at += cut;
  }
  pieces.push(whole.slice(at));
  const tokens: number[] = [];
  for await (const some of encodeStream(tokenizer, pieces)) tokens.push(...some);
  return tokens;
}

describe("laws", () => {
  test.each(["grapheme", "character", "byte"] as const)("%s: decode(encode(text)) is the text", async (kind) => {
    await fc.assert(
      fc.asyncProperty(nonEmpty, async (whole) => {
        const tokenizer = await trainTokenizer(whole, { kind });
        const tokens = tokenizer.encode(whole);
        expect(tokenizer.decode(tokens)).toBe(whole);
        for (const token of tokens) expect(token).toBeLessThan(tokenizer.vocabularySize);
      }),
      { numRuns: 60 },
    );
  });

  test.each(kinds)("%s: a text in pieces has the tokens of the whole text", async (kind) => {
    await fc.assert(
      fc.asyncProperty(nonEmpty, fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 8 }), async (whole, cuts) => {
        const tokenizer = await trainTokenizer(whole, { kind });
        expect(await encodeInPieces(tokenizer, whole, cuts)).toEqual([...tokenizer.encode(whole)]);
      }),
      { numRuns: 60 },
    );
  });

  test.each(kinds)("%s: decoding token by token gives the text of decoding at once", async (kind) => {
    await fc.assert(
      fc.asyncProperty(nonEmpty, async (whole) => {
        const tokenizer = await trainTokenizer(whole, { kind });
        const tokens = tokenizer.encode(whole);
        const decoder = tokenizer.streamDecoder();
        const parts = [...tokens].map((token) => decoder.push(token));
        expect(parts.join("") + decoder.end()).toBe(tokenizer.decode(tokens));
      }),
      { numRuns: 40 },
    );
  });

  test.each(kinds)("%s: through JSON it is the same tokenizer", async (kind) => {
    await fc.assert(
      fc.asyncProperty(nonEmpty, async (whole) => {
        const tokenizer = await trainTokenizer(whole, { kind, normalize: ["lowercase"] });
        const again = tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));
        expect(again.toJSON()).toEqual(tokenizer.toJSON());
        expect(again.encode(whole)).toEqual(tokenizer.encode(whole));
      }),
      { numRuns: 20 },
    );
  });

  test("word, by spaces: text with single spaces comes back", async () => {
    const word = fc.stringMatching(/^[a-zé,.'秦]{1,6}$/);
    const lines = fc.array(
      fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(" ")),
      { minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(lines, async (all) => {
        const whole = all.join("\n");
        const tokenizer = await trainTokenizer(whole, { kind: "word", segmentation: "space" });
        expect(tokenizer.decode(tokenizer.encode(whole))).toBe(whole);
      }),
      { numRuns: 40 },
    );
  });
});

describe("graphemes", () => {
  test("are what Intl.Segmenter finds in the whole text", async () => {
    const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
    await fc.assert(
      fc.asyncProperty(nonEmpty, async (whole) => {
        const tokenizer = await trainTokenizer(whole, { kind: "grapheme" });
        const expected = Array.from(segmenter.segment(whole), ({ segment }) => segment);
        expect([...tokenizer.encode(whole)].map((token) => tokenizer.vocabulary[token])).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test("a carriage return and line feed are one grapheme, two characters, two bytes", async () => {
    for (const [kind, count] of [
      ["grapheme", 3],
      ["character", 4],
      ["byte", 4],
    ] as const) {
      const tokenizer = await trainTokenizer("a\r\nb", { kind });
      expect(tokenizer.encode("a\r\nb")).toHaveLength(count);
    }
  });

  test("one cluster without end is cut instead of growing in memory", async () => {
    const cluster = `e${"\u0301".repeat(10_000)}`;
    const tokenizer = await trainTokenizer(cluster, { kind: "grapheme" });
    const tokens = tokenizer.encode(cluster);
    expect(tokens).toHaveLength(10);
    expect(tokenizer.decode(tokens)).toBe(cluster);
  });

  test("a line of 300,000 characters takes no longer than its share", async () => {
    const line = "é🇩🇪x".repeat(50_000);
    // Processor time, whatever else the machine does; in one piece the segmenter would take a minute.
    const before = process.cpuUsage();
    const tokenizer = await trainTokenizer(line, { kind: "grapheme" });
    expect(tokenizer.encode(line)).toHaveLength(150_000);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(10);
  });
});

describe("vocabulary", () => {
  test("characters are in the order of code points, also above U+FFFF", async () => {
    const tokenizer = await trainTokenizer("z😀a\n！b", { kind: "character" });
    expect(tokenizer.vocabulary).toEqual(["\n", "a", "b", "z", "！", "😀"]);
  });

  test("words are in falling order of count, after <unk> and <eos>", async () => {
    const tokenizer = await trainTokenizer("b a b c\nc b", { kind: "word" });
    expect(tokenizer.vocabulary).toEqual(["<unk>", "<eos>", "b", "c", "a"]);
    expect([...tokenizer.encode("a d\r\nb\n")]).toEqual([4, 0, 1, 2, 1]);
  });

  test("vocabularySize and minCount leave the rarest out", async () => {
    const words = await trainTokenizer("b a b c\nc b", { kind: "word", vocabularySize: 4 });
    expect(words.vocabulary).toEqual(["<unk>", "<eos>", "b", "c"]);
    const characters = await trainTokenizer("abcab", { kind: "character", minCount: 2 });
    expect(characters.vocabulary).toEqual(["<unk>", "a", "b"]);
    expect([...characters.encode("cab")]).toEqual([0, 1, 2]);
    expect(characters.decode([0, 1])).toBe("\ufffda");
  });

  test("what the vocabulary lacks is an error that names it", async () => {
    const tokenizer = await trainTokenizer("abc", { kind: "character" });
    expect(() => tokenizer.encode("abé")).toThrow(expect.objectContaining({ code: "unknown-token" }));
    expect(() => tokenizer.encode("abé")).toThrow(/U\+00E9/);
    expect(() => tokenizer.decode([3])).toThrow(expect.objectContaining({ code: "token-out-of-range" }));
    expect(() => new ByteTokenizer().decode([256])).toThrow(expect.objectContaining({ code: "token-out-of-range" }));
    expect(() => new ByteTokenizer().encode(7 as never)).toThrow("encode: expected a text, got 7");
  });

  test.each(kinds.filter((kind) => kind !== "byte"))("%s: an empty text is an error", async (kind) => {
    await expect(trainTokenizer("", { kind })).rejects.toMatchObject({ code: "text-empty" });
  });

  test("wrong options are errors", async () => {
    await expect(trainTokenizer("a", { kind: "words" as "word" })).rejects.toMatchObject({ code: "unknown-choice" });
    await expect(trainTokenizer("a", { kind: "word", vocabularySize: 2 })).rejects.toMatchObject({
      code: "out-of-range",
    });
    await expect(trainTokenizer("a", { kind: "word", minCount: 0 })).rejects.toMatchObject({
      code: "out-of-range",
    });
  });
});

describe("words", () => {
  test("of English and Chinese, with punctuation", async () => {
    const text = "Don’t go, said the 皇帝，他們去了 (3.14)\n";
    const tokenizer = await trainTokenizer(text, { kind: "word" });
    const words = [...tokenizer.encode(text)].map((token) => tokenizer.vocabulary[token]);
    expect(words.slice(0, 5)).toEqual(["Don’t", "go", ",", "said", "the"]);
    expect(words.slice(-4)).toEqual(["(", "3.14", ")", "<eos>"]);
    expect(words).toContain("皇帝");
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  test("lower case", async () => {
    const tokenizer = await trainTokenizer("The the THE", { kind: "word", normalize: ["lowercase"] });
    expect(tokenizer.vocabulary).toEqual(["<unk>", "<eos>", "the"]);
    // As the file says it to other software.
    const greek = await trainTokenizer("ΟΔΟΣ", { kind: "word", normalize: ["lowercase"] });
    expect(greek.vocabulary.at(-1)).toBe("οδοσ");
  });

  test.each(["unicode", "space"] as const)("%s: <unk> and <eos> in the text are those tokens", async (segmentation) => {
    const tokenizer = await trainTokenizer("a <unk> b", { kind: "word", segmentation });
    expect(tokenizer.vocabulary).toEqual(["<unk>", "<eos>", "a", "b"]);
    expect([...tokenizer.encode("a <unk> <eos>")]).toEqual([2, 0, 1]);
  });
});

test("bytes that are split within a character come together again", () => {
  const tokenizer = new ByteTokenizer();
  const decoder = tokenizer.streamDecoder();
  expect([...tokenizer.encode("秦a")].map((token) => decoder.push(token))).toEqual(["", "", "秦", "a"]);
  expect(decoder.push(0xe7) + decoder.end()).toBe("\ufffd");
});

test.each([
  null,
  {},
  { kind: "bpe" },
  { kind: "character", unknown: false, tokens: [] },
  { kind: "character", unknown: false, tokens: ["a", "a"] },
  { kind: "character", unknown: false, tokens: ["ab"] },
  { kind: "character", unknown: true, tokens: ["a"] },
  { kind: "grapheme", unknown: false, tokens: ["a", 1] },
  { kind: "grapheme", tokens: ["a"] },
  { kind: "word", unknown: true, lowerCase: false, segmentation: "unicode", tokens: ["<unk>"] },
  { kind: "word", unknown: true, lowerCase: false, segmentation: "regex", tokens: ["<unk>", "<eos>"] },
])("a damaged description is refused: %j", (json) => {
  expect(() => tokenizerFromJSON(json)).toThrow(expect.objectContaining({ name: "UsageError" }));
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeStream } from "../../src/data/token-stream.ts";
import { NORMALIZE_STEPS, normalizer } from "../../src/text/normalize.ts";
import type { EncodeOptions, Tokenizer } from "../../src/text/tokenizer.ts";
import { tokenizerFromJSON } from "../../src/text/tokenizer-from-json.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../../src/text/train-tokenizer.ts";

const awkward = fc.oneof(
  fc.constantFrom(
    ..."\n|\r\n|\r|é|e\u0301|🇩🇪|👨‍👩‍👧‍👦|한|\u1112\u1161\u11ab|각|नี้|क्षि|秦川雄帝宅|，|a|b|  |<unk>|<eos>|<|end|>|<|e|\ufeff|ﾞ|ﾊﾟ|𠀀|don't|'ll|“x”|ﬁ|Σ|İ|123,4|\u0300|\u00a0|\u0085".split(
      "|",
    ),
  ),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
);
const parts = fc
  .array(awkward, { minLength: 1, maxLength: 30 })
  .map((all) => all.join(""))
  .filter((all) => all.length > 0);
const long = fc
  .tuple(parts, fc.integer({ min: 2000, max: 9000 }))
  .map(([unit, length]) => unit.repeat(Math.ceil(length / unit.length + 1)).slice(0, length));
const text = fc.oneof({ arbitrary: parts, weight: 3 }, { arbitrary: long, weight: 1 }).filter((t) => t.length > 0);
const cuts = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 8 });

const sliced = (whole: string, at: readonly number[]): string[] => {
  const all: string[] = [];
  let from = 0;
  for (const n of at) {
    all.push(whole.slice(from, from + n));
    from += n;
  }
  return [...all, whole.slice(from)];
};
async function inPieces(tokenizer: Tokenizer, pieces: readonly string[], options?: EncodeOptions): Promise<number[]> {
  const encoder = tokenizer.streamEncoder(options);
  return [...pieces.flatMap((piece) => [...encoder.push(piece)]), ...encoder.end()];
}

const special = ["<|end|>", "<|e", "<|"];
const kinds: [string, TrainTokenizerOptions][] = [
  ["pairs of bytes", { kind: "bpe", vocabularySize: 300 }],
  ["pairs of characters", { kind: "bpe", alphabet: "character", vocabularySize: 2000 }],
  [
    "normalized pairs",
    { kind: "bpe", vocabularySize: 300, normalize: ["nfkc", "lowercase", "trim"], specialTokens: special },
  ],
  [
    "normalized graphemes",
    { kind: "grapheme", unknown: true, normalize: ["nfd", "strip-accents"], specialTokens: special },
  ],
  ["special bytes", { kind: "byte", specialTokens: special }],
  ["special words", { kind: "word", normalize: ["nfc"], specialTokens: special }],
];

describe.each(kinds)("%s", (_, options) => {
  test("a stream gives the tokens of the whole text, special tokens or not", async () => {
    await fc.assert(
      fc.asyncProperty(text, cuts, async (whole, at) => {
        const tokenizer = await trainTokenizer(`${whole}x`, options);
        for (const allowSpecial of [false, true]) {
          const expected = [...tokenizer.encode(whole, { allowSpecial })];
          expect(await inPieces(tokenizer, sliced(whole, at), { allowSpecial })).toEqual(expected);
        }
      }),
      { numRuns: 15 },
    );
  });

  test("through JSON it is the same tokenizer; token by token it is the same text", async () => {
    await fc.assert(
      fc.asyncProperty(text, async (whole) => {
        const tokenizer = await trainTokenizer(`${whole}x`, options);
        const again = tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));
        expect(again.toJSON()).toEqual(tokenizer.toJSON());
        expect(again.vocabulary).toEqual(tokenizer.vocabulary);
        const tokens = tokenizer.encode(whole, { allowSpecial: true });
        expect(again.encode(whole, { allowSpecial: true })).toEqual(tokens);
        const decoder = again.streamDecoder();
        expect([...tokens].map((token) => decoder.push(token)).join("") + decoder.end()).toBe(tokenizer.decode(tokens));
      }),
      { numRuns: 10 },
    );
  });
});

test("pairs give back the very text", async () => {
  const valid = text.map((t) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(t)));
  await fc.assert(
    fc.asyncProperty(valid, valid, async (learned, other) => {
      const bytes = await trainTokenizer(learned, { kind: "bpe", vocabularySize: 300 });
      expect(bytes.decode(bytes.encode(other))).toBe(other);
      const characters = await trainTokenizer(learned, { kind: "bpe", alphabet: "character", vocabularySize: 2000 });
      expect(characters.decode(characters.encode(learned))).toBe(learned);
    }),
    { numRuns: 30 },
  );
});

test.each(NORMALIZE_STEPS)("%s: a stream becomes what the whole text becomes", (step) => {
  fc.assert(
    fc.property(text, cuts, (whole, at) => {
      const stream = (pieces: readonly string[]): string => {
        const stage = normalizer([step]);
        return pieces.map((piece) => stage.push(piece)).join("") + stage.end();
      };
      const expected: Record<string, () => string> = {
        lowercase: () => Array.from(whole, (c) => (c === "Σ" ? "σ" : c.toLowerCase())).join(""),
        "strip-accents": () => whole.replace(/\p{M}/gu, ""),
        trim: () => whole.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, ""),
      };
      expect(stream([whole])).toBe((expected[step] ?? (() => whole.normalize(step.toUpperCase())))());
      expect(stream(sliced(whole, at))).toBe(stream([whole]));
    }),
    { numRuns: 60 },
  );
});

describe("special tokens", () => {
  test("never come from text unless they are asked for, are never split, and are left out of text", async () => {
    const tokenizer = await trainTokenizer("<|end|> ".repeat(50), {
      kind: "bpe",
      vocabularySize: 300,
      specialTokens: ["<|end|>"],
    });
    const end = tokenizer.specialTokens["<|end|>"]!;
    expect(end).toBe(tokenizer.vocabularySize - 1);
    expect(tokenizer.vocabulary[end]).toBe("<|end|>");
    expect([...tokenizer.encode("a<|end|>b")]).not.toContain(end);
    expect(tokenizer.decode(tokenizer.encode("a<|end|>b"))).toBe("a<|end|>b");
    const allowed = tokenizer.encode("a<|end|>b", { allowSpecial: true });
    expect([...allowed].filter((token) => token === end)).toHaveLength(1);
    expect(tokenizer.decode(allowed)).toBe("ab");
  });

  test("count among the largest number of tokens", async () => {
    for (const kind of ["bpe", "word", "character"] as const) {
      const tokenizer = await trainTokenizer("ab cd ".repeat(9), {
        kind,
        vocabularySize: 270,
        specialTokens: ["<a>", "<b>"],
      });
      expect(tokenizer.vocabularySize).toBeLessThanOrEqual(270);
      expect(Object.keys(tokenizer.specialTokens)).toEqual(["<a>", "<b>"]);
    }
    const small = await trainTokenizer("one two three one", {
      kind: "word",
      vocabularySize: 4,
      specialTokens: ["<a>"],
    });
    expect(small.vocabulary).toEqual(["<unk>", "<eos>", "one", "<a>"]);
  });

  test.each<[string, readonly string[]]>([
    ["empty", [""]],
    ["twice", ["<a>", "<a>"]],
    ["a token already", ["<unk>"]],
    ["no string", [5 as never]],
  ])("%s: refused", async (_, specialTokens) => {
    await expect(trainTokenizer("one two", { kind: "word", specialTokens })).rejects.toMatchObject({
      code: "bad-option",
    });
  });
});

test("what cannot be learned is refused in words", async () => {
  const learn = (options: object, source = "abc abc") => trainTokenizer(source, { kind: "bpe", ...options });
  await expect(learn({ vocabularySize: 100 })).rejects.toThrow(
    /vocabularySize: expected at least 256 .*the 256 bytes.* got 100/,
  );
  await expect(learn({ vocabularySize: 3, alphabet: "character" })).rejects.toThrow(
    /at least 5 \(the 4 characters of the text and <unk>/,
  );
  await expect(learn({ alphabet: "bytes" })).rejects.toMatchObject({ code: "unknown-choice" });
  await expect(learn({ normalize: ["NFC"] })).rejects.toThrow(/normalize\[0\].*did you mean "nfc"/);
  await expect(learn({}, "")).rejects.toMatchObject({ code: "text-empty" });
  const one = await learn({}, "aaaaaaaaaaaaaaaaaaaa");
  expect(one.decode(one.encode("aaaaaaaaaaaaa"))).toBe("aaaaaaaaaaaaa");
  const noUnknown = await learn({ alphabet: "character", unknown: false });
  expect(() => noUnknown.encode("xyz")).toThrow(expect.objectContaining({ code: "unknown-token" }));
  const withUnknown = await learn({ alphabet: "character" });
  expect(withUnknown.decode(withUnknown.encode("xa"))).toBe("\ufffda");
});

interface Damaged {
  model: Record<string, unknown> & { vocab: Record<string, unknown>; merges: unknown[] };
  pre_tokenizer: Record<string, unknown>;
  added_tokens: Record<string, unknown>[];
  normalizer: unknown;
  decoder: unknown;
}

describe("a tokenizer.json of another program, or damaged", () => {
  const good = async () =>
    JSON.parse(
      JSON.stringify(
        await trainTokenizer("abc abc abc", { kind: "bpe", vocabularySize: 260, specialTokens: ["<|end|>"] }),
      ),
    ) as Damaged;
  test.each<[string, (file: Damaged) => void, RegExp]>([
    ["no model", (f) => (f.model = undefined as never), /model as an object/],
    [
      "another model",
      (f) => (f.model.type = "Unigram"),
      /model.type as "BPE" or "WordLevel", got the string "Unigram"/,
    ],
    ["no vocabulary", (f) => (f.model.vocab = {}), /model.vocab with 1 to/],
    ["a number that is none", (f) => (f.model.vocab.a = "7"), /a token of .* and its number/],
    ["a number twice", (f) => (f.model.vocab.a = f.model.vocab.b), /every id in model.vocab once/],
    ["a gap", (f) => (f.model.vocab.a = 5000), /without a gap/],
    ["a merge of what is no token", (f) => f.model.merges.push(["a", "zzz"]), /merge \d+ joins/],
    ["a merge that is none", (f) => f.model.merges.push(["a"]), /pairs of tokens/],
    ["merges that are none", (f) => (f.model.merges = null as never), /model.merges as an array/],
    ["an unknown normalizer", (f) => (f.normalizer = { type: "Nmt" }), /normalizer Nmt is not known/],
    [
      "an unknown part of a sequence",
      (f) => (f.normalizer = { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "_" }] }),
      /normalizer Prepend with/,
    ],
    [
      "an unknown pre-tokenizer",
      (f) => (f.pre_tokenizer = { type: "Metaspace" }),
      /pre-tokenizer Metaspace is not known/,
    ],
    ["a prefix space", (f) => (f.pre_tokenizer.add_prefix_space = true), /add_prefix_space/],
    [
      "a pattern that is none",
      (f) => (f.pre_tokenizer = { type: "Split", pattern: { Regex: "(" }, behavior: "Isolated" }),
      /pattern "\(" .* cannot be used/,
    ],
    [
      "another way to split",
      (f) => (f.pre_tokenizer = { type: "Split", pattern: { String: " " }, behavior: "MergedWithNext" }),
      /MergedWithNext/,
    ],
    ["an unknown decoder", (f) => (f.decoder = { type: "WordPiece" }), /decoder WordPiece is not known/],
    ["byte fallback", (f) => (f.model.byte_fallback = true), /byte_fallback/],
    ["a suffix", (f) => (f.model.end_of_word_suffix = "</w>"), /end_of_word_suffix/],
    ["an added token with a gap", (f) => (f.added_tokens[0]!.id = 9999), /without a gap/],
    ["an added token twice", (f) => f.added_tokens.push(f.added_tokens[0]!), /every content once/],
    ["an added token that strips", (f) => (f.added_tokens[0]!.lstrip = true), /with lstrip is not known/],
    ["an added token on another's number", (f) => (f.added_tokens[0]!.id = 3), /ids that are free/],
  ])("%s is refused by name", async (_, damage, message) => {
    const file = await good();
    expect(() => tokenizerFromJSON(file)).not.toThrow();
    damage(file);
    expect(() => tokenizerFromJSON(file)).toThrow(message);
    expect(() => tokenizerFromJSON(file)).toThrow(expect.objectContaining({ code: "bad-tokenizer" }));
  });

  test("older files write a merge as one string; unknown ones may be one token; whole words may go before pairs", async () => {
    const file = await good();
    const tokens = [...tokenizerFromJSON(file).encode("abc")];
    file.model.merges = (file.model.merges as string[][]).map((pair) => pair.join(" "));
    expect([...tokenizerFromJSON(file).encode("abc")]).toEqual(tokens);
    const model = {
      type: "BPE",
      unk_token: "?",
      vocab: { "?": 0, a: 1, b: 2, ab: 3, aa: 4, aab: 5 },
      merges: [
        ["a", "b"],
        ["a", "a"],
      ],
    };
    const of = (more: object) => tokenizerFromJSON({ model: { ...model, ...more }, decoder: { type: "Fuse" } });
    expect([...of({}).encode("xxaxx")]).toEqual([0, 0, 1, 0, 0]);
    expect([...of({ fuse_unk: true }).encode("xxaxx")]).toEqual([0, 1, 0]);
    expect([...of({}).encode("aab")]).toEqual([1, 3]);
    expect([...of({ ignore_merges: true }).encode("aab")]).toEqual([5]);
  });
});

test("files of text become the same tokens", async () => {
  const tokenizer = await trainTokenizer("é e\u0301 x", { kind: "bpe", vocabularySize: 300, normalize: ["nfc"] });
  const tokens: number[] = [];
  for await (const some of encodeStream(tokenizer, ["e", "\u0301 ", "x"])) tokens.push(...some);
  expect(tokens).toEqual([...tokenizer.encode("é x")]);
});

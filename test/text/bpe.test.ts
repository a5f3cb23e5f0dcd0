import { readFileSync } from "node:fs";
import { Tokenizer as Peer } from "@huggingface/tokenizers";
import { expect, test } from "vitest";
import { tokenizerFromJSON } from "../../src/text/tokenizer-from-json.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../../src/text/train-tokenizer.ts";

interface Golden {
  readonly extra: string;
  readonly probe: string;
  readonly cases: readonly {
    readonly name: string;
    /** Ours that must learn the same; null where ours cuts otherwise. */
    readonly options: TrainTokenizerOptions | null;
    readonly file: { readonly model: { readonly vocab: Record<string, number>; readonly merges: unknown } };
    readonly ids: number[];
    readonly decoded: string;
  }[];
}

const text = readFileSync(new URL("../../examples/text/longshort-v1.txt", import.meta.url), "utf8").slice(0, 12_000);
const golden = JSON.parse(
  readFileSync(new URL("../golden/tokenizers/tokenizers.json", import.meta.url), "utf8"),
) as Golden;

test("pairs are joined in turns with others: Ctrl-C and a page are heard meanwhile", async () => {
  const words = Array.from({ length: 60_000 }, (_, k) => (k * 2654435761) % 2 ** 32).map((n) => n.toString(36));
  let heard = 0;
  const counting = setInterval(() => heard++, 1);
  // A text that is given whole: nothing else is waited for.
  await trainTokenizer(words.join(" "), { kind: "bpe", vocabularySize: 3000 });
  clearInterval(counting);
  expect(heard).toBeGreaterThan(0);
});

test.each(golden.cases)("$name: tokens and text of the tokenizers library", ({ file, ids, decoded }) => {
  const tokenizer = tokenizerFromJSON(file);
  expect([...tokenizer.encode(golden.probe, { allowSpecial: true })]).toEqual(ids);
  if (tokenizer.unknownToken === undefined) expect(tokenizer.decode(ids)).toBe(decoded);
});

test.each(golden.cases.filter((one) => one.options))(
  "$name: learns what the tokenizers library learns",
  async ({ file, options }) => {
    const { model } = (await trainTokenizer(text + golden.extra, options!)).toJSON();
    expect(model).toMatchObject({ vocab: file.model.vocab, merges: file.model.merges });
  },
);

const patterns = JSON.parse(readFileSync(new URL("../golden/tokenizers/patterns.json", import.meta.url), "utf8")) as {
  readonly cases: readonly { name: string; file: unknown; text: string; ids: number[]; decoded?: string }[];
};

test.each(patterns.cases)("$name: pieces of the tokenizers library", ({ file, text, ids, decoded }) => {
  const tokenizer = tokenizerFromJSON(file);
  expect([...tokenizer.encode(text)]).toEqual(ids);
  const encoder = tokenizer.streamEncoder();
  expect([...text].flatMap((character) => [...encoder.push(character)]).concat([...encoder.end()])).toEqual(ids);
  if (decoded !== undefined && !ids.includes(tokenizer.unknownToken!)) expect(tokenizer.decode(ids)).toBe(decoded);
});

test.each([String.raw`[\W_]`, String.raw`[\w&&\d]`])(
  "%s, which JavaScript would read otherwise, is refused",
  (Regex) => {
    const pre_tokenizer = { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
    const file = { ...(patterns.cases[0]!.file as object), pre_tokenizer };
    expect(() => tokenizerFromJSON(file)).toThrow(/between brackets/);
  },
);

const kinds: [string, TrainTokenizerOptions][] = [
  ["bytes", { kind: "byte" }],
  ["bytes with special tokens", { kind: "byte", specialTokens: ["<|end|>", "<|e"] }],
  ["characters", { kind: "character", unknown: true }],
  ["pairs of bytes", { kind: "bpe", vocabularySize: 500 }],
  ["pairs of characters", { kind: "bpe", alphabet: "character", vocabularySize: 500 }],
  ["normalized pairs", { kind: "bpe", vocabularySize: 400, normalize: ["nfd", "strip-accents", "lowercase", "trim"] }],
  ["pairs with special tokens", { kind: "bpe", vocabularySize: 400, normalize: ["nfkc"], specialTokens: ["<|end|>"] }],
];

test.each(kinds)("%s: another library reads the file and finds the same tokens", async (_, options) => {
  const tokenizer = await trainTokenizer(text + golden.extra, options);
  const peer = new Peer(JSON.parse(JSON.stringify(tokenizer)), {});
  // White space of JavaScript's own is where that library differs from the one it follows.
  const probe = ` ${golden.probe.replace(/[\u0085\ufeff]/g, "")}<|end|>Ünïcode <|en`;
  const ids = [...tokenizer.encode(probe, { allowSpecial: true })];
  expect(peer.encode(probe).ids).toEqual(ids);
  if (tokenizer.unknownToken === undefined)
    expect(peer.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false })).toBe(
      tokenizer.decode(ids),
    );
});

test("megabytes train in seconds", async () => {
  const whole = readFileSync(new URL("../../examples/text/longshort-v1.txt", import.meta.url), "utf8").repeat(4);
  const before = process.cpuUsage();
  const tokenizer = await trainTokenizer(whole, { kind: "bpe", vocabularySize: 2000 });
  const { user, system } = process.cpuUsage(before);
  expect(tokenizer.vocabularySize).toBe(2000);
  expect((user + system) / 1e6).toBeLessThan(15);
});

test("a run of one character does not make tokens that its own file would be refused for", async () => {
  const tokenizer = await trainTokenizer("a".repeat(40_000), { kind: "bpe" });
  expect(Math.max(...tokenizer.vocabulary.map((token) => token.length))).toBe(4096);
  expect(tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer))).vocabulary).toEqual(tokenizer.vocabulary);
});

test("equal counts are joined in the order of their ids, and a count below the least is not joined", async () => {
  const merges = async (source: string, minCount: number) => {
    const { model } = (await trainTokenizer(source, { kind: "bpe", alphabet: "character", minCount })).toJSON();
    return model.type === "BPE" ? model.merges.map((pair) => pair.join("+")) : [];
  };
  expect(await merges("cd ab cd ab", 2)).toEqual([" +a", "c+d", " a+b"]);
  expect(await merges("ab ab", 3)).toEqual([]);
  expect(await merges("aaaa", 1)).toEqual(["a+a", "aa+aa"]);
});

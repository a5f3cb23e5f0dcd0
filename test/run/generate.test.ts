import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { type GenerateOptions, generate } from "../../src/run/generate.ts";
import { candidates, choose, sampleUniform } from "../../src/run/sample.ts";
import { openSession, type Session } from "../../src/run/session.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../../src/text/train-tokenizer.ts";

let machine: SynchronousMachine;
beforeAll(() => {
  machine = openReference();
});
afterAll(() => machine.close());

async function open(
  kind: TrainTokenizerOptions["kind"],
  text: string,
): Promise<{ tokenizer: Tokenizer; session: Session }> {
  const tokenizer = await trainTokenizer(text, { kind });
  const model = languageModel({ vocabularySize: tokenizer.vocabularySize, embeddingSize: 4, hiddenSize: 6 });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 2 });
  return { tokenizer, session: await openSession({ model, parameters, machine }) };
}
async function text(options: GenerateOptions): Promise<string> {
  let written = "";
  for await (const piece of generate(options)) written += piece;
  return written;
}

describe("generate", () => {
  test("is what stepping and sampling by hand gives", async () => {
    const { tokenizer, session } = await open("grapheme", "abc de\n");
    const sampling = { temperature: 0.7, topK: 4, topP: 0.95 };
    const written = await text({ session, tokenizer, prompt: "ab", length: 30, seed: 9, ...sampling });
    session.reset();
    const tokens = [...tokenizer.encode("ab")];
    let logits = await session.next([tokens[0]!]);
    logits = await session.next([tokens[1]!]);
    const drawn: number[] = [];
    for (let position = 0; position < 30; position++) {
      drawn.push(choose(candidates(logits, sampling), sampleUniform(9, position)));
      logits = await session.next([drawn.at(-1)!]);
    }
    expect(written).toBe(tokenizer.decode(drawn));
    expect(written).toHaveLength(30);
  });

  test("is the same for the same seed, whatever the session has read, and another one for another seed", async () => {
    const { tokenizer, session } = await open("grapheme", "abc de\n");
    const same = { session, tokenizer, prompt: "c", length: 40 };
    const first = await text({ ...same, seed: 1 });
    expect(await text({ ...same, seed: 1 })).toBe(first);
    expect(await text({ ...same, seed: 2 })).not.toBe(first);
    const greedy = await text({ ...same, temperature: 0, seed: 1 });
    expect(await text({ ...same, temperature: 0, seed: 2 })).toBe(greedy);
  });

  test("never writes <unk>, and sets words as its tokenizer does, also after the prompt", async () => {
    const { tokenizer, session } = await open("word", "one two three. four five\n");
    expect(tokenizer.unknownToken).toBe(0);
    const written = await text({ session, tokenizer, prompt: "one never-seen", length: 300, temperature: 5 });
    expect(written).not.toContain("<unk>");
    expect(written).toMatch(/^( (one|two|three|four|five)|\.|\n)/);
  });

  test("writes whole characters from bytes", async () => {
    const { tokenizer, session } = await open("byte", "");
    const pieces: string[] = [];
    for await (const piece of generate({ session, tokenizer, prompt: "é", length: 200, temperature: 3 }))
      pieces.push(piece);
    const bytes = pieces.join("");
    expect(pieces.every((piece) => !/[\uD800-\uDBFF]$/.test(piece))).toBe(true);
    expect(bytes.length).toBeGreaterThan(50);
  });

  test("begins without a prompt as after a line, and ends when it is told to", async () => {
    const { tokenizer, session } = await open("grapheme", "abc de\n");
    const same = { session, tokenizer, length: 20 };
    expect(await text(same)).toBe(await text({ ...same, prompt: "\n" }));
    const { tokenizer: noLines, session: other } = await open("grapheme", "abc");
    expect(await text({ session: other, tokenizer: noLines, length: 5 })).toHaveLength(5);
    expect(await text({ ...same, length: 0 })).toBe("");
    const controller = new AbortController();
    let written = "";
    for await (const piece of generate({ ...same, signal: controller.signal })) {
      written += piece;
      if (written.length === 3) controller.abort();
    }
    expect(written).toHaveLength(3);
  });

  test("refuses at once what cannot work", async () => {
    const { tokenizer, session } = await open("grapheme", "abc de\n");
    const { tokenizer: other } = await open("grapheme", "ab");
    const code = (options: Partial<GenerateOptions>) => {
      try {
        generate({ session, tokenizer, ...options });
        return undefined;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code({ tokenizer: other })).toBe("vocabulary-mismatch");
    expect(code({ prompt: "x" })).toBe("unknown-token");
    expect(code({ prompt: 5 as never })).toBe("bad-option");
    expect(code({ temprature: 1 } as never)).toBe("unknown-option");
    expect(code({ length: -1 })).toBe("out-of-range");
    expect(code({ temperature: -1 })).toBe("out-of-range");
    expect(code({ topP: 2 })).toBe("out-of-range");
    expect(code({ seed: 0.5 })).toBe("not-an-integer");
    expect(code({})).toBeUndefined();
  });
});

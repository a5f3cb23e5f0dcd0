import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { openNetwork } from "../../src/formats/open-network.ts";
import type { Program } from "../../src/formats/program.ts";
import { basicLstmModel } from "../../src/formats/tensorflow1/basic-lstm.ts";
import { readTensorFlow1 } from "../../src/formats/tensorflow1/manifest.ts";
import { describeOnMachines } from "../support/machines.ts";
import { describeWithReferenceData } from "../support/reference-data.ts";

const expected: { text: string; nll: { data: number[] }; last_logprobs: { data: number[] } } = JSON.parse(
  readFileSync(new URL("../golden/models/expect/charrnn_shakespeare.json", import.meta.url), "utf8"),
);

/** log softmax of one row of logits. */
function logProbabilities(row: readonly number[]): number[] {
  const largest = Math.max(...row);
  let sum = 0;
  for (const x of row) sum += Math.exp(x - largest);
  return row.map((x) => x - largest - Math.log(sum));
}

describeWithReferenceData("a character model of TensorFlow 1", "models/tf-charrnn/manifest.json", (path) => {
  // "" stands for U and two spaces for u: the file is damaged so at its source.
  const raw: Record<string, number> = JSON.parse(readFileSync(path.replace("manifest", "vocab"), "utf8"));
  const vocabulary = new Map(Object.entries(raw).map(([key, id]) => [key === "" ? "U" : key === "  " ? "u" : key, id]));
  const letters = new Map([...vocabulary].map(([letter, id]) => [id, letter]));
  const encode = (text: string): number[] => [...text].map((letter) => vocabulary.get(letter)!);
  const V = vocabulary.size;

  /** Runs a stream chunk by chunk, the state handed on: the loss of each letter but the first, and what the last was given. */
  async function stream(program: Program, tokens: readonly number[], chunk: number) {
    const session = await program.openSession();
    const losses: number[] = [];
    let last: number[] = [];
    const given = tokens.slice(0, -1);
    for (let from = 0; from < given.length; from += chunk) {
      const data = given.slice(from, from + chunk);
      const logits = Array.from((await session.next({ input: { shape: [1, data.length], data } })).logits!.data);
      data.forEach((_, t) => {
        last = logProbabilities(logits.slice(t * V, (t + 1) * V));
        losses.push(-last[tokens[from + t + 1]!]!);
      });
    }
    return { losses, last };
  }

  describeOnMachines("its numbers", (m) => {
    test("equal what NumPy computed, whole and in pieces with the state handed on", async () => {
      const { model } = await readTensorFlow1(path);
      using program = openNetwork(model, { machine: m.machine });
      for (const chunk of [80, 7]) {
        const { losses, last } = await stream(program, encode(expected.text), chunk);
        expect(losses).toHaveLength(expected.nll.data.length);
        losses.forEach((loss, k) => {
          expect(Math.abs(loss - expected.nll.data[k]!), `letter ${k}`).toBeLessThan(1e-4);
        });
        last.forEach((value, k) => {
          expect(Math.abs(value - expected.last_logprobs.data[k]!)).toBeLessThan(1e-4);
        });
      }
    });
  });

  describeWithReferenceData("tinyshakespeare", "datasets/lm/tinyshakespeare.txt.gz", (text) => {
    describeOnMachines("its last 20,000 characters", (m) => {
      test("cost 1.366 nats each, and it writes Shakespeare", async (context) => {
        if (m.name === "reference") context.skip("the interpreter would take minutes");
        const { model } = await readTensorFlow1(path);
        using program = openNetwork(model, { machine: m.machine });
        const tail = gunzipSync(readFileSync(text)).toString("utf8").slice(-20_000);
        const { losses } = await stream(program, encode(tail), 1000);
        expect(losses).toHaveLength(19_999);
        expect(losses.reduce((a, b) => a + b, 0) / losses.length).toBeCloseTo(1.366, 3);
        // The likeliest letter again and again.
        const session = await program.openSession();
        let written = "ROMEO:\n";
        for (let k = 0; k < 60; k++) {
          const next = k === 0 ? encode(written) : [vocabulary.get(written.at(-1)!)!];
          const { logits } = await session.next({ input: { shape: [1, next.length], data: next } });
          const row = Array.from(logits!.data).slice(-V);
          written += letters.get(row.indexOf(Math.max(...row)))!;
        }
        expect(written).toMatch(/\bthe\b/);
        expect(written).toMatch(/^ROMEO:\n[A-Z]/);
      });
    });
  });
});

test("what is no BasicLSTMCell is named", () => {
  const variables = new Map([["dense/kernel", { shape: [2, 3], data: new Float32Array(6) }]]);
  expect(() => basicLstmModel(variables)).toThrow(/basic_lstm_cell\/kernel.*dense\/kernel/);
});

test("two stacks of cells are not taken for one", () => {
  const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  const cell = (name: string): [string, ReturnType<typeof zeros>][] => [
    [`${name}/kernel`, zeros(6, 12)],
    [`${name}/bias`, zeros(12)],
  ];
  const directions = ["fw", "bw"].map((name) => `bidirectional_rnn/${name}/lstm_cell`);
  expect(() => basicLstmModel(new Map(directions.flatMap(cell)))).toThrow(
    /fw\/lstm_cell.*bw\/lstm_cell.*two directions/,
  );
  const stacked = [0, 1].map((k) => `rnn/multi_rnn_cell/cell_${k}/lstm_cell`);
  expect([...basicLstmModel(new Map(stacked.flatMap(cell))).model.layers.keys()]).toEqual(["cell_0", "cell_1"]);
});

test("variables that have no place in the model are named, but those of the training", () => {
  const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  const cell = "rnn/basic_lstm_cell";
  const own = { [`${cell}/kernel`]: zeros(5, 12), [`${cell}/bias`]: zeros(12) };
  const { conventions } = basicLstmModel(
    new Map(
      Object.entries({
        ...own,
        ...{ Variable: zeros(3, 2), global_step: zeros(), beta1_power: zeros() },
        ...{ [`${cell}/kernel/Adam`]: zeros(5, 12), [`${cell}/kernel/Adam_1`]: zeros(5, 12) },
      }),
    ),
  );
  expect(conventions.at(-1)).toMatch(/^left out.*: Variable \[3, 2\]; the output is what "cell_0" gives$/);
  expect(basicLstmModel(new Map(Object.entries(own))).conventions).toHaveLength(1);
});

test("a manifest whose files have another size, or lie elsewhere, is refused", async () => {
  const manifest = (filename: string) =>
    new TextEncoder().encode(JSON.stringify({ embedding: { filename, shape: [2, 2] } }));
  await expect(readTensorFlow1(manifest("e"), { files: { e: new Uint8Array(15) } })).rejects.toMatchObject({
    code: "damaged-keras",
  });
  await expect(readTensorFlow1(manifest("../e"), { files: {} })).rejects.toMatchObject({ code: "damaged-keras" });
});

import { expect, test } from "vitest";
import { openMachine } from "../../src/compute/open.ts";
import type { CanonicalInput, CanonicalModel, CanonicalNode, LayerSpec } from "../../src/formats/canonical.ts";
import { convertModel } from "../../src/formats/convert.ts";
import { zeroStates as statesOf } from "../../src/formats/model-inputs.ts";
import { open } from "../../src/formats/open.ts";
import { openNetwork } from "../../src/formats/open-network.ts";
import type { Program } from "../../src/formats/program.ts";
import { compareModels, randomInputs } from "../../src/formats/verify.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { mapValues } from "../../src/shared/records.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../support/onnxruntime.ts";
import { weightsFor } from "../support/random-network.ts";
import { fileOf, recurrentSpec } from "./networks.ts";

const [B, T, D, H] = [3, 6, 2, 4];
const input: CanonicalInput = { name: "input", shape: [null, D], type: "float" };
const lengthsInput = (name: string): CanonicalInput => ({ name, shape: [], type: "int", optional: true });
const lstm = recurrentSpec({ cell: { name: "lstm" }, inputSize: D, hiddenSize: H });
type Chain = Readonly<Record<string, readonly [spec: LayerSpec, ...inputs: string[]]>>;

/** Layers by name, each with the values that it reads; a value is called as its layer, the last one is the output. */
function networkOf(chain: Chain, inputs = [input, lengthsInput("lengths")]): CanonicalModel {
  const layers = new Map(Object.entries(chain).map(([name, [spec]]) => [name, spec]));
  const nodes = Object.entries(chain).map(
    ([name, [, ...read]]): CanonicalNode => ({ name, layer: name, inputs: read, outputs: [name] }),
  );
  const value = nodes.at(-1)!.name;
  return { name: "test", inputs, layers, nodes, outputs: [{ name: "output", value }], weights: weightsFor(layers, 7) };
}
const marked: Chain = { marked: [{ kind: "lengths" }, "input", "lengths"] };
const numbers = (): Float32Array => Float32Array.from(new RandomStream(3, "x").normal(B * T * D));
const given = (lengths: readonly number[]) => ({
  ...{ input: { shape: [B, T, D], data: numbers() }, lengths: { shape: [B], data: lengths } },
});
const zeroStates = (program: Program) => statesOf(program, new Map([["batch", B]]));
const ragged = [4, 6, 1];

/** What joins, windows over steps and layers of each step do with lengths, and what recurrent layers give at the end. */
const networks: Readonly<Record<string, Chain>> = {
  "a sum of a sequence and what was made of it": {
    ...marked,
    rnn: [recurrentSpec({ cell: { name: "gru" }, inputSize: D, hiddenSize: D }), "marked"],
    sum: [{ kind: "combine", by: "add" }, "rnn", "marked"],
    mean: [{ kind: "pooling", of: "mean", window: "global" }, "sum"],
  },
  "two sequences side by side": {
    ...marked,
    rnn: [lstm, "marked"],
    both: [{ kind: "concatenate", axis: -1 }, "marked", "rnn"],
    best: [{ kind: "pooling", of: "max", window: "global", skipMasked: true }, "both"],
  },
  "a maximum of all steps, as Keras takes it": {
    ...marked,
    rnn: [lstm, "marked"],
    best: [{ kind: "pooling", of: "max", window: "global" }, "rnn"],
  },
  "windows over steps, behind which all count": {
    ...marked,
    windows: [{ kind: "pooling", of: "mean", window: { size: 2, stride: 2, padding: "valid" } }, "marked"],
    mean: [{ kind: "pooling", of: "mean", window: "global" }, "windows"],
  },
  "a layer of each step, from the end": {
    ...marked,
    each: [{ kind: "time-distributed", layer: { kind: "activation", activation: { name: "relu" } } }, "marked"],
    rnn: [{ ...lstm, reverse: true, returnSequences: false, maskedOutput: "previous" }, "each"],
  },
};

describeOnMachines("lengths of sequences", (m) => {
  test.each(Object.entries(networks))(
    "%s: read back from ONNX it computes the same of padded sequences",
    async (_, chain) => {
      const network = networkOf(chain);
      using program = openNetwork(network, { machine: m.machine });
      using again = await open(convertModel(fileOf(network), { to: "onnx" }).bytes, { machine: m.machine });
      const own = await program.run(given(ragged));
      const theirs = await again.run({ ...zeroStates(program), ...given(ragged) });
      expect(difference(Array.from(theirs.output!.data), Array.from(own.output!.data))).toBeLessThanOrEqual(2e-6);
      // Lengths left out are those of all steps.
      const whole = await program.run({ input: given(ragged).input });
      expect(Array.from(whole.output!.data)).toEqual(Array.from((await program.run(given([T, T, T]))).output!.data));
    },
  );

  test("sessions may leave lengths out, alone and together, and a model that has none is compared with one that has", async () => {
    const network = networkOf({ ...marked, rnn: [lstm, "marked"] });
    using program = openNetwork(network, { machine: m.machine });
    const piece = (steps: number) => ({ input: { shape: [1, steps, D], data: numbers().slice(0, steps * D) } });
    for (const together of [false, true]) {
      const sessions = await Promise.all([0, 1, 2].map(() => program.openSession({ together })));
      const long = { ...piece(3), lengths: { shape: [1], data: [2] } };
      const [cut, short, other] = await Promise.all(
        sessions.map((session, k) => session.next([long, piece(2), piece(3)][k]!)),
      );
      const output = ({ output }: typeof cut & object) => Array.from(output!.data);
      expect(output(cut!)).toEqual([...output(short!), ...Array.from({ length: H }, () => 0)]);
      expect(output(other!).slice(2 * H)).not.toEqual(Array.from({ length: H }, () => 0));
      const [after, like] = await Promise.all([sessions[0]!.state(), sessions[1]!.state()]);
      expect(after).toEqual(like);
      for (const session of sessions) session.close();
    }
    const { bytes } = convertModel(fileOf(network), { to: "onnx", lengths: false });
    using without = await open(bytes, { machine: m.machine });
    for (const [a, b] of [
      [program, without],
      [without, program],
    ] as const)
      for (const { difference } of await compareModels(a, b, await randomInputs(a)))
        expect(difference).toBeLessThanOrEqual(2e-6);
  });

  test("their inputs may be read by nothing else, and joined sequences have the same ones in ONNX", async () => {
    expect(() => openNetwork(networkOf({ wrong: [{ kind: "identity" }, "lengths"] }), { machine: m.machine })).toThrow(
      /layer "wrong" reads "lengths", which may be left out/,
    );
    const two = networkOf(
      {
        ...marked,
        other: [{ kind: "lengths" }, "input", "others"],
        sum: [{ kind: "combine", by: "add" }, "marked", "other"],
        mean: [{ kind: "pooling", of: "mean", window: "global" }, "sum"],
      },
      [input, lengthsInput("lengths"), lengthsInput("others")],
    );
    using program = openNetwork(two, { machine: m.machine });
    const both = await program.run({ ...given([4, 6, 3]), others: { shape: [B], data: [6, 2, 1] } });
    const less = await program.run({ ...given([4, 2, 1]), others: { shape: [B], data: [4, 2, 1] } });
    expect(Array.from(both.output!.data)).toEqual(Array.from(less.output!.data));
    expect(() => convertModel(fileOf(two), { to: "onnx" })).toThrow(
      /"sum".*joins sequences whose lengths are different/,
    );
    const kept = networkOf({ ...marked, rnn: [{ ...lstm, maskedOutput: "previous" }, "marked"] });
    expect(() => convertModel(fileOf(kept), { to: "onnx" })).toThrow(/"rnn".*zeros at steps that do not count/);
    expect(() => convertModel(fileOf(kept), { to: "onnx", lengths: false })).not.toThrow();
  });
});

test.runIf(onnxRuntime).each(Object.entries(networks))(
  `ONNX Runtime computes the same: %s${withoutOnnxRuntime}`,
  async (_, chain) => {
    using machine = await openMachine("reference");
    const network = networkOf(chain);
    using program = openNetwork(network, { machine });
    const { output } = await program.run(given(ragged));
    const { Tensor, InferenceSession } = onnxRuntime!;
    const session = await InferenceSession.create(convertModel(fileOf(network), { to: "onnx" }).bytes, {
      logSeverityLevel: 3,
    });
    const states = mapValues(
      zeroStates(program),
      ({ shape, data }) => new Tensor("float32", data as Float32Array, shape),
    );
    const results = await session.run({
      ...states,
      input: new Tensor("float32", numbers(), [B, T, D]),
      lengths: new Tensor("int64", BigInt64Array.from(ragged, BigInt), [B]),
    });
    expect(difference(Array.from(results.output!.data as Float32Array), Array.from(output!.data))).toBeLessThanOrEqual(
      1e-5,
    );
    await session.release();
  },
);

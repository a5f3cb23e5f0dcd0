import { describe, expect, test } from "vitest";
import type { Cell } from "../src/cells/define.ts";
import { gru } from "../src/cells/gru.ts";
import { lstm } from "../src/cells/lstm.ts";
import { rnn } from "../src/cells/rnn.ts";
import { relu } from "../src/math/functions.ts";
import { difference } from "./support/difference.ts";
import { type Golden, golden, goldenNames } from "./support/golden.ts";
import { describeOnMachines } from "./support/machines.ts";
import { type Named, type Numbers, runRecurrent } from "./support/recurrent.ts";

/*
 * PyTorch's RNN, LSTM (also projected) and GRU: outputs, final states and the gradient of Σ out.k · up.k with respect to
 * everything. The tolerance is the machine's; for files that PyTorch computed in float32 it is float32's, because the
 * expected values themselves are rounded (PyTorch's float32 is 2e-7 and 8e-7 from its own float64).
 */

const cells: Readonly<Record<string, (bias: boolean) => Cell>> = {
  rnn_tanh: (bias) => rnn({ bias }),
  rnn_relu: (bias) => rnn({ bias, activation: relu }),
  lstm: (bias) => lstm({ bias }),
  lstm_proj: (bias) => lstm({ bias, projection: true }),
  gru: (bias) => gru({ bias }),
};
const float32 = { outputs: 2e-6, gradients: 1e-5 };

/** Mask [T, B] of lengths. */
const maskOf = (lengths: Numbers, T: number): number[] =>
  Array.from({ length: T * lengths.length }, (_, k) =>
    Math.floor(k / lengths.length) < lengths[k % lengths.length]! ? 1 : 0,
  );

/** Tensors `PREFIXh_n`, `PREFIXc_n` or `h0`, `c0` by the name of the state. */
function states({ tensors }: Golden, name: (state: string) => string): Record<string, Numbers> {
  const found: Record<string, Numbers> = {};
  for (const s of ["h", "c"]) if (tensors[name(s)]) found[s] = tensors[name(s)]!.data;
  return found;
}

const weightsOf = ({ tensors }: Golden): Named =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => /^(weight|bias)_/.test(name))
      .map(([name, t]) => [name, t.data]),
  );

function caseOf(file: Golden) {
  const { config, tensors } = file;
  return {
    options: {
      cell: cells[config.kind]!(config.bias ?? true),
      inputSize: config.input_size,
      hiddenSize: config.hidden_size,
      numLayers: config.num_layers ?? 1,
      bidirectional: config.bidirectional ?? false,
      projectionSize: config.proj_size ?? 0,
      batchFirst: config.batch_first,
    },
    steps: config.seq as number,
    batch: config.batch as number,
    parameters: weightsOf(file),
    input: tensors.input!.data,
    initial: states(file, (s) => `${s}0`),
    ...(tensors.lengths && { mask: maskOf(tensors.lengths.data, config.seq) }),
  };
}

const names = goldenNames("rnn");

describeOnMachines("PyTorch's recurrent layers", (m) => {
  test.each(names)("%s", async (name) => {
    const file = golden(`rnn/${name}`);
    const { tensors } = file;
    const up = { output: tensors["up.output"]!.data, final: states(file, (s) => `up.${s}_n`) };
    const came = await runRecurrent(m.machine, { ...caseOf(file), up });
    const near = name.endsWith(".f32") ? float32 : m;
    const check = (expected: Golden, { outputs, gradients }: typeof float32): void => {
      const one = (key: string, value: Numbers | undefined, tolerance: number): void => {
        const t = expected.tensors[key]!;
        expect(difference(value ?? [], t.data), key).toBeLessThanOrEqual(tolerance);
      };
      one("out.output", came.output, outputs);
      for (const [s, value] of Object.entries(came.final)) one(`out.${s}_n`, value, outputs);
      const wanted = Object.keys(expected.tensors).filter((key) => key.startsWith("grad."));
      expect(wanted.length).toBe(Object.keys(came.gradients).length);
      for (const key of wanted) {
        const state = /^grad\.([hc])0$/.exec(key);
        one(key, came.gradients[state ? `initial.${state[1]}` : key.slice(5)], gradients);
      }
    };
    check(file, { outputs: Math.max(m.outputs, near.outputs), gradients: Math.max(m.gradients, near.gradients) });
    // The same case in float64, from inputs that were rounded: as near as float32 can be.
    if (name.endsWith(".f32")) check(golden(`rnn/${name.replace(/f32$/, "f64")}`), float32);
  });
});

describeOnMachines("PyTorch's gates at every step, as traces", (m) => {
  test.each(goldenNames("gates"))("%s", async (name) => {
    const file = golden(`gates/${name}`);
    const { batch: B, seq: T, hidden_size: H } = file.config;
    const c = caseOf({ ...file, config: { ...file.config, bias: true } });
    const gates = Object.keys(file.tensors).filter((key) => key.startsWith("gate."));
    expect(gates.length).toBeGreaterThan(2);
    const came = await runRecurrent(m.machine, { ...c, trace: [...gates.map((key) => key.slice(5)), "h"] });
    expect(difference(came.output, file.tensors["out.output"]!.data)).toBeLessThanOrEqual(m.outputs);
    // Traces are [T, B, H], the file has [B, T, H].
    const batchFirst = (t: Numbers): number[] =>
      Array.from({ length: B * T * H }, (_, k) => {
        const [b, s, u] = [Math.floor(k / (T * H)), Math.floor(k / H) % T, k % H];
        return t[(s * B + b) * H + u]!;
      });
    for (const key of gates)
      expect(
        difference(batchFirst(came.traces[`${key.slice(5)}_l0`]!), file.tensors[key]!.data),
        key,
      ).toBeLessThanOrEqual(m.outputs);
    expect(batchFirst(came.traces.h_l0!)).toEqual(Array.from(came.output));
  });
});

describe("the files", () => {
  test("are all 60 cases in float64, 20 of them in float32 too", () => {
    expect(names.filter((n) => n.endsWith(".f64"))).toHaveLength(60);
    expect(names.filter((n) => n.endsWith(".f32"))).toHaveLength(20);
  });
});

import { expect, test } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import { dropConnect } from "../../src/layers/weight-dropout.ts";
import { crossEntropy } from "../../src/losses/cross-entropy.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { philox4x32 } from "../../src/shared/philox.ts";
import { uniform } from "../../src/shared/random.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import { onMachines } from "../layers/on-machines.ts";
import { difference } from "../support/difference.ts";

/**
 * An AWD-LSTM in plain float64, written out with the masks of its own: PyTorch's semantics (what is kept is divided by
 * 1 − rate; a mask of weights once an update; whole rows of the embedding; locked masks over time).
 */
const [V, E, H, T, B] = [7, 5, 5, 4, 3];
const key = { seed: 21, update: 6, firstExample: 10 };
const rates = {
  embeddingDropout: 0.3,
  inputDropout: 0.4,
  layerDropout: 0.25,
  outputDropout: 0.35,
  weightDropout: 0.5,
};
const penalties = { activationPenalty: 2, changePenalty: 1 };
const sizes = { vocabularySize: V, embeddingSize: E, hiddenSize: H, numLayers: 2, tied: true };
const tokens = [0, 1, 2, 3, 4, 5, 6, 0, 1, 1, 2, 6];
const targets = [1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 3, 3];

const draw = (purpose: number, row: number, step: number, unit: number, rate: number): number => {
  const words = philox4x32([Math.floor(unit / 4), step, row, key.update], [key.seed, purpose]);
  return uniform(words[unit % 4]!) < rate ? 0 : 1 / (1 - rate);
};
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const ofExample = (per: "step" | "sequence", purpose: number, rate: number) => (t: number, b: number, u: number) =>
  draw(purpose, key.firstExample + b, per === "step" ? t : 0, u, rate);

type Weights = Record<string, ArrayLike<number>>;

/** Scores [T, B, V] and the penalty. Purposes are numbered in the order in which the model draws. */
function plainForward(w: Weights, per: "step" | "sequence"): { logits: number[]; penalty: number } {
  const table = w["embedding.weight"]!;
  const input = ofExample(per, 1, rates.inputDropout);
  let x = tokens.map((token, k) => {
    const [t, b] = [Math.floor(k / B), k % B];
    const word = draw(0, token, 0, 0, rates.embeddingDropout);
    return Array.from({ length: E }, (_, u) => table[token * E + u]! * word * input(t, b, u));
  });
  for (const layer of [0, 1]) {
    const weightPurpose = layer === 0 ? 2 : 4;
    if (layer === 1) {
      const between = ofExample(per, 3, rates.layerDropout);
      x = x.map((row, k) => row.map((value, u) => value * between(Math.floor(k / B), k % B, u)));
    }
    const of = (name: string) => w[`rnn.${name}_l${layer}`]!;
    const [wi, wh, bi, bh] = [of("weight_ih"), of("weight_hh"), of("bias_ih"), of("bias_hh")];
    const masked = Array.from(
      wh,
      (value, n) => value * draw(weightPurpose, Math.floor(n / H), 0, n % H, rates.weightDropout),
    );
    const h = Array.from({ length: B }, () => new Array<number>(H).fill(0));
    const c = Array.from({ length: B }, () => new Array<number>(H).fill(0));
    x = x.map((row, k) => {
      const b = k % B;
      const gate = (g: number): number => {
        let sum = bi[g]! + bh[g]!;
        for (let u = 0; u < row.length; u++) sum += wi[g * row.length + u]! * row[u]!;
        for (let u = 0; u < H; u++) sum += masked[g * H + u]! * h[b]![u]!;
        return sum;
      };
      const all = Array.from({ length: 4 * H }, (_, g) => gate(g));
      for (let u = 0; u < H; u++) {
        const [i, f, g, o] = [0, 1, 2, 3].map((n) => all[n * H + u]!) as [number, number, number, number];
        c[b]![u] = sigmoid(f) * c[b]![u]! + sigmoid(i) * Math.tanh(g);
        h[b]![u] = sigmoid(o) * Math.tanh(c[b]![u]!);
      }
      return [...h[b]!];
    });
  }
  const output = ofExample(per, 5, rates.outputDropout);
  const dropped = x.map((row, k) => row.map((value, u) => value * output(Math.floor(k / B), k % B, u)));
  const meanSquare = (values: number[]) => values.reduce((sum, v) => sum + v * v, 0) / values.length;
  const changes = x.slice(B).flatMap((row, k) => row.map((value, u) => value - x[k]![u]!));
  const penalty =
    penalties.activationPenalty * meanSquare(dropped.flat()) + penalties.changePenalty * meanSquare(changes);
  const logits = dropped.flatMap((row) =>
    Array.from({ length: V }, (_, v) => {
      let sum = w["head.bias"]![v]!;
      for (let u = 0; u < H; u++) sum += table[v * E + u]! * row[u]!;
      return sum;
    }),
  );
  return { logits, penalty };
}

/** Mean cross-entropy plus the penalty. */
function plainLoss(w: Weights, per: "step" | "sequence"): number {
  const { logits, penalty } = plainForward(w, per);
  const losses = targets.map((target, k) => {
    const row = logits.slice(k * V, (k + 1) * V);
    const most = Math.max(...row);
    return most + Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0)) - row[target]!;
  });
  return losses.reduce((a, b) => a + b) / losses.length + penalty;
}

async function weightsOf(parameters: ParameterStore): Promise<Record<string, number[]>> {
  const all: Record<string, number[]> = {};
  for (const [name, { data }] of await parameters.toTensors()) all[name] = Array.from(data);
  return all;
}

onMachines("the dropouts of an AWD-LSTM", (machine, tolerance, name) => {
  test.each(["step", "sequence"] as const)(
    "per %s: scores, penalty and gradients of plain float64",
    async (dropoutPer) => {
      const model = languageModel({ ...sizes, ...rates, ...penalties, dropoutPer });
      const parameters = await createParameters({ machine: machine(), layout: layoutParameters(model), seed: 3 });
      const graph = new Graph({ machine: machine(), parameters: parameters.layout, training: true });
      const { logits, penalty } = model.forward(graph.input("tokens", [T, B], { type: "int" }));
      graph.output("logits", logits);
      graph.output("penalty", penalty!);
      graph.backward([
        [crossEntropy(logits, graph.input("targets", [T, B], { type: "int" })), 1],
        [penalty!, 1],
      ]);
      parameters.arena("gradients");
      const executable = await compile(graph, { machine: machine(), arenas: parameters.arenas });
      executable.write("tokens", tokens);
      executable.write("targets", targets);
      executable.run(graph.randomScalars(key));

      const weights = await weightsOf(parameters);
      const plain = plainForward(weights, dropoutPer);
      expect(difference(await executable.read("logits"), plain.logits)).toBeLessThan(tolerance.output);
      expect(difference(await executable.read("penalty"), [plain.penalty])).toBeLessThan(tolerance.output);
      const h = 1e-3;
      for (const [parameter, values] of Object.entries(weights)) {
        const at = (k: number, d: number) =>
          plainLoss({ ...weights, [parameter]: values.with(k, values[k]! + d) }, dropoutPer);
        const slope = values.map((_, k) => (8 * (at(k, h) - at(k, -h)) - (at(k, 2 * h) - at(k, -2 * h))) / (12 * h));
        const gradient = await parameters.read(parameter, "gradients");
        expect(difference(gradient, slope), parameter).toBeLessThan(name === "reference" ? 1e-9 : tolerance.gradient);
      }
      executable.close();
      parameters.close();
    },
  );

  test("nothing is dropped outside training, and another update draws other masks of weights", async () => {
    const scores = async (options: object, training: boolean, update = 1, firstExample = 0): Promise<number[]> => {
      const model = languageModel({ ...sizes, ...options });
      const parameters = await createParameters({ machine: machine(), layout: layoutParameters(model), seed: 3 });
      const graph = new Graph({ machine: machine(), parameters: parameters.layout, training });
      const { logits, penalty } = model.forward(graph.input("tokens", [T, B], { type: "int" }));
      expect(penalty).toBeUndefined();
      graph.output("logits", logits);
      parameters.arena("gradients");
      const executable = await compile(graph, { machine: machine(), arenas: parameters.arenas });
      executable.write("tokens", tokens);
      executable.run(graph.randomScalars({ seed: 1, update, firstExample }));
      const found = Array.from(await executable.read("logits"));
      executable.close();
      parameters.close();
      return found;
    };
    const bare = await scores({}, false);
    expect(await scores({ ...rates, dropoutPer: "sequence" }, false)).toEqual(bare);
    expect(await scores({}, true)).toEqual(bare);
    for (const option of ["weightDropout", "embeddingDropout"] as const) {
      const one = await scores({ [option]: 0.5 }, true, 1);
      expect(one, option).not.toEqual(bare);
      expect(await scores({ [option]: 0.5 }, true, 2), option).not.toEqual(one);
      // Weights are the same for every part of a batch that is spread over processes.
      expect(await scores({ [option]: 0.5 }, true, 1, 40), option).toEqual(one);
    }
    for (const option of ["inputDropout", "layerDropout", "outputDropout"] as const)
      expect(await scores({ [option]: 0.5 }, true), option).not.toEqual(bare);
    const all = await scores({ inputDropout: 0.5, layerDropout: 0.5, outputDropout: 0.5 }, true);
    expect(await scores({ dropout: 0.5 }, true)).toEqual(all);
    expect(await scores({ dropout: 0.5, outputDropout: 0 }, true)).not.toEqual(all);
  });
});

test("masks drop their share, and scale what is left to the same mean", async () => {
  const machine = openReference();
  const graph = new Graph({ machine, training: true });
  const [rows, columns] = [200, 150];
  graph.output(
    "out",
    dropConnect(graph.constant([rows, columns], new Float64Array(rows * columns).fill(1)), { rate: 0.3 }),
  );
  const executable = await compile(graph, { machine });
  executable.run(graph.randomScalars({ seed: 5, update: 1 }));
  const out = Array.from(await executable.read("out"));
  const kept = out.filter((v) => v !== 0);
  expect(new Set(kept).size).toBe(1);
  // Three standard deviations of a binomial share over 30,000 draws are 0.008.
  expect(Math.abs(kept.length / out.length - 0.7)).toBeLessThan(0.008);
  const rowMeans = Array.from(
    { length: rows },
    (_, r) => out.slice(r * columns, (r + 1) * columns).reduce((a, b) => a + b) / columns,
  );
  expect(Math.max(...rowMeans)).toBeLessThan(1.3);
  expect(Math.min(...rowMeans)).toBeGreaterThan(0.7);
  machine.close();
});

test("what cannot be dropped is refused in words", () => {
  const refused = (options: object, message: RegExp) =>
    expect(() => languageModel({ ...sizes, ...options })).toThrow(message);
  refused({ cell: "min-gru", weightDropout: 0.5 }, /weightDropout: cell "min-gru" has no recurrent weights/);
  for (const name of ["inputDropout", "layerDropout", "outputDropout", "embeddingDropout", "weightDropout"])
    refused({ [name]: 1 }, new RegExp(`${name}: expected a probability from 0 to below 1, got 1`));
  refused({ dropoutPer: "sequences" }, /did you mean "sequence"/);
  refused({ activationPenalty: -1 }, /activationPenalty: expected a number of at least 0, got -1/);
  refused({ changePenalty: Number.NaN }, /changePenalty/);
});

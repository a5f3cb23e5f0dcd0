import { expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import type { Machine } from "../../src/compute/machine.ts";
import { linear } from "../../src/layers/linear.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { crossEntropy } from "../../src/losses/cross-entropy.ts";
import type { Optimizer } from "../../src/optimizers/define.ts";
import { nadam } from "../../src/optimizers/nadam.ts";
import { optimizerByName, optimizerNames } from "../../src/optimizers/registry.ts";
import { createMoments, updateParameters } from "../../src/optimizers/update.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { reshape, slice, transpose } from "../../src/tensor/operations.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { onMachines } from "../layers/on-machines.ts";
import { difference } from "../support/difference.ts";
import { type Golden, golden, goldenNames } from "../support/golden.ts";

/**
 * The steps of PyTorch 1.13, which wrote the files: it had one factor μ too many in the product of the next step and kept the
 * product in float32. Later versions and ours are as published (nadam.test.ts).
 */
const nadamOf113 = (options: { betas?: readonly [number, number] }): Optimizer => {
  const ours = nadam(options);
  const momentum = (t: number): number => (options.betas?.[0] ?? 0.9) * (1 - 0.5 * 0.96 ** (t * 0.004));
  return {
    ...ours,
    scalars(step, rate) {
      let product = 1;
      for (let t = 1; t <= step; t++) product = Math.fround(product * Math.fround(momentum(t)));
      const [now, next] = [momentum(step), momentum(step + 1)];
      return {
        ...ours.scalars(step, rate),
        ofGradient: (rate * (1 - now)) / (1 - product),
        ofMean: (rate * next) / (1 - product * now * next),
      };
    },
  };
};

const renamed: Record<string, string> = {
  eps: "epsilon",
  weight_decay: "weightDecay",
  lr_decay: "rateDecay",
  initial_accumulator_value: "initialAccumulator",
  momentum_decay: "momentumDecay",
};

/** Of PyTorch alone: how it computes, not what. */
const NOT_OURS = ["lr", "foreach", "fused", "maximize", "capturable", "differentiable"];

/** PyTorch's optimizer by the file's name, with its options under our names. */
function optimizerOf(file: string, torch: Record<string, unknown>): Optimizer {
  const name = optimizerNames.find((ours) => file.split("_").includes(ours.toLowerCase()))!;
  const kept = Object.entries(torch).filter(([option]) => !NOT_OURS.includes(option));
  const options = Object.fromEntries(kept.map(([option, value]) => [renamed[option] ?? option, value]));
  return name === "nadam" ? nadamOf113(options) : optimizerByName(name, options);
}

async function train({ config, tensors }: Golden, machine: Machine) {
  const { kind, hidden_size: hiddenSize, num_layers: numLayers, bidirectional, optimizer: torch } = config;
  const [batch, steps, inputSize] = tensors.input!.shape as [number, number, number];
  const classes = tensors["init.head.bias"]!.shape[0]!;
  const layer = recurrent({
    cell: { LSTM: lstm(), GRU: gru(), RNN: rnn() }[kind as "LSTM" | "GRU" | "RNN"],
    inputSize,
    hiddenSize,
    numLayers,
    bidirectional,
  });
  const width = hiddenSize * (bidirectional ? 2 : 1);
  const head = linear({ inputSize: width, outputSize: classes });
  const layout = layoutParameters({ parts: { rnn: layer, head } });
  const store = await createParameters({ machine, layout });
  const initial = Object.entries(tensors).filter(([name]) => name.startsWith("init."));
  store.loadTensors(new Map(initial.map(([name, t]) => [name.slice(5), t])));

  const graph = new Graph({ machine, parameters: layout, training: true });
  const x = graph.input("x", [batch, steps, inputSize]);
  const y = graph.input("y", [batch], { type: "int", below: classes });
  const { output } = layer.forward(transpose(x, [1, 0, 2]));
  const last = reshape(slice(output, 0, steps - 1, steps), [batch, width]);
  const loss = crossEntropy(head.forward(last), y);
  graph.output("loss", loss);
  graph.backward([[loss, 1]]);
  const optimizer = optimizerOf(config.name, torch);
  const update = updateParameters(graph, optimizer, {
    clipNorm: config.clip_grad_norm ?? undefined,
    clipValue: config.clip_grad_value ?? undefined,
  });
  store.arena("gradients");
  createMoments(store, optimizer);
  const executable = await compile(graph, { machine, arenas: store.arenas });
  executable.write("x", tensors.input!.data);
  executable.write("y", tensors.target!.data);
  const losses: number[] = [];
  const norms: number[] = [];
  for (let step = 1; step <= config.steps; step++) {
    const rate = config.scheduler ? (torch.lr * (1 + Math.cos((Math.PI * (step - 1)) / config.steps))) / 2 : torch.lr;
    executable.run(update.scalars(step, rate));
    losses.push((await executable.read("loss"))[0]!);
    norms.push((await executable.read("gradientNorm"))[0]!);
  }
  const weights = await store.toTensors();
  executable.close();
  store.close();
  return { losses, norms, weights };
}

onMachines("training as PyTorch's, 30 steps", (machine, _, name) => {
  // After n updates float32 has drifted: losses 1e-5, weights 1e-4.
  const tolerance = name === "reference" ? { loss: 1e-10, weight: 1e-10 } : { loss: 1e-5, weight: 1e-4 };
  const files = goldenNames("train").filter((file) => name !== "reference" || file.endsWith("f64"));
  test("there are 24 files, 22 of them float64", () => expect(files).toHaveLength(name === "reference" ? 22 : 24));

  test.each(files)("%s", async (file) => {
    const expected = golden(`train/${file}`);
    const { losses, norms, weights } = await train(expected, machine());
    const { tensors } = expected;
    expect(difference(losses, tensors["out.loss"]!.data)).toBeLessThan(tolerance.loss);
    expect(difference(norms, tensors["out.grad_norm_before_clip"]!.data)).toBeLessThan(tolerance.weight);
    for (const [key, { data }] of weights)
      expect(difference(data, tensors[`final.${key}`]!.data), key).toBeLessThan(tolerance.weight);
  });
});

/**
 * `node scripts/playground-series.mjs`: trains the two models of numbers that the playground ships and writes them to playground/public/models/.
 *
 * They learn to say the next number of waves: each is the sum of two sines whose periods (8 to 60 steps), phases and shares are drawn anew for every
 * example, so that nothing can be learned by heart. A file is safetensors with PyTorch's names, as the training room gives it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ensureReady, root } from "./bootstrap.mjs";

ensureReady();
const longshort = await import("../dist/index.js");
const { adam, createParameters, layoutParameters, linear, meanSquaredError, openMachine, openTrainer, RandomStream } =
  longshort;
const { cellByName, recurrent, safeTensor, writeSafetensors } = longshort;

const [hiddenSize, rows, steps, updates] = [24, 16, 80, 1500];

/** Waves [T + 1, B], the last row being what follows the others. */
function waves(index) {
  const draw = new RandomStream(1, "waves", index).uniform(rows * 5);
  const data = new Float32Array((steps + 1) * rows);
  for (let b = 0; b < rows; b++) {
    const [p, q, from, other, share] = draw.subarray(b * 5, b * 5 + 5);
    const [first, second] = [p, q].map((u) => (2 * Math.PI) / (8 * 7.5 ** u));
    for (let t = 0; t <= steps; t++)
      data[t * rows + b] =
        (0.4 + 0.6 * share) * Math.sin(first * t + 2 * Math.PI * from) +
        0.5 * (1 - share) * Math.sin(second * t + 2 * Math.PI * other);
  }
  return data;
}

const batches = {
  batchesPerEpoch: updates,
  identity: { task: "waves", steps, rows },
  batch(_, index) {
    const data = waves(index);
    return { inputs: { x: data.slice(0, steps * rows), y: data.slice(rows) }, rows, steps, weight: rows * steps };
  },
};

const folder = path.join(root, "playground/public/models");
mkdirSync(folder, { recursive: true });
const machine = await openMachine("wasm", { threads: 1 });
for (const cell of ["lstm", "gru"]) {
  const rnn = recurrent({ cell: cellByName(cell), inputSize: 1, hiddenSize, numLayers: 1 });
  const value = linear({ inputSize: hiddenSize, outputSize: 1 });
  const parameters = await createParameters({ machine, layout: layoutParameters({ parts: { rnn, value } }), seed: 1 });
  const record = (graph, { rows: B, steps: T }) => {
    const said = value.forward(rnn.forward(graph.input("x", [T, B, 1])).output);
    return { loss: meanSquaredError(said, graph.input("y", said.shape)) };
  };
  const trainer = await openTrainer({
    ...{ machine, parameters, batches, record, optimizer: adam(), learningRate: 0.005 },
    ...{ clipNorm: 1, epochs: 1, seed: 1, logEvery: 100 },
  });
  let last;
  for await (const event of trainer) if (event.type === "progress") last = event;
  const tensors = [...(await parameters.toTensors())].map(([name, { shape, data }]) => [
    name,
    safeTensor("F32", shape, data),
  ]);
  const bytes = writeSafetensors(new Map(tensors));
  writeFileSync(path.join(folder, `series-${cell}.safetensors`), bytes);
  console.log(
    `series-${cell}: ${bytes.length} bytes, mean squared error ${last.loss.toFixed(5)} after ${last.step} updates`,
  );
  trainer.close();
  parameters.close();
}
machine.close();

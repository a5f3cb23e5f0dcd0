/** What the recipes of polyphonic music have in common: which notes sound in the next step, each a yes or no; train with one seed, keep the best weights. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import {
  binaryCrossEntropy,
  createParameters,
  dropout,
  layoutParameters,
  linear,
  lstm,
  mul,
  openEvaluator,
  openMachine,
  openTrainer,
  RandomStream,
  recurrent,
} from "../../dist/index.js";

/** Lengths are rounded up to multiples of it, since each length has a plan of its own. */
const ROUND = 32;

/**
 * Pieces are lists of steps, steps lists of the keys that sound. From each step of a piece the next one is predicted.
 *
 * @param {object} given
 * @param {{ hiddenSize: number, numLayers?: number, dropout: number, batchSize: number }} given.settings beside those of `openTrainer`
 * @returns negative log-likelihood a step in nats, the mean over the pieces of the test part
 */
export async function music({ settings, seed, data, log }) {
  const { keys, train, valid, test } = JSON.parse(gunzipSync(readFileSync(data.pieces)).toString("utf8"));
  const { hiddenSize, numLayers = 1, dropout: rate, batchSize, ...options } = settings;
  const machine = await openMachine("wasm");
  try {
    const rnn = recurrent({ cell: lstm(), inputSize: keys, hiddenSize, numLayers, dropout: rate });
    const head = linear({ inputSize: hiddenSize, outputSize: keys });
    const drop = dropout({ rate });
    const parameters = await createParameters({ machine, layout: layoutParameters({ parts: { rnn, head } }), seed });
    /** Negative log-likelihood a step. */
    const loss = (graph, { steps, rows }) => {
      const [x, y] = ["x", "y"].map((name) => graph.input(name, [steps, rows, keys]));
      const mask = graph.input("mask", [steps, rows]);
      const logits = head.forward(drop.forward(rnn.forward(x, { mask }).output));
      const mean = binaryCrossEntropy(logits, y, { mask });
      return mul(mean, keys);
    };
    const measure = (pieces) =>
      openEvaluator({
        ...{ machine, parameters },
        // One piece at a time, and each counts as much.
        batches: { batchesPerEpoch: pieces.length, batch: (_, k) => ({ ...together([pieces[k]], keys), weight: 1 }) },
        record: (graph, batch) => ({ metrics: { loss: loss(graph, batch) } }),
      });
    const order = (epoch) => new RandomStream(seed, "pieces", epoch).permutation(train.length);
    const trainer = await openTrainer({
      ...{ machine, parameters, seed, ...options },
      evaluator: await measure(valid),
      batches: {
        batchesPerEpoch: Math.ceil(train.length / batchSize),
        batch: (epoch, index) => {
          const chosen = order(epoch).subarray(index * batchSize, (index + 1) * batchSize);
          return together(
            Array.from(chosen, (k) => train[k]),
            keys,
          );
        },
      },
      record: (graph, batch) => ({ loss: loss(graph, batch) }),
    });
    let best;
    await trainer.run({
      epoch: async ({ epoch, trainLoss, metrics, best: better }) => {
        if (better) best = { epoch, tensors: await parameters.toTensors() };
        log(`  epoch ${epoch}: ${trainLoss.toFixed(3)}, validation ${metrics.loss.toFixed(3)}`);
      },
    });
    parameters.loadTensors(best.tensors);
    const tester = await measure(test);
    const { loss: nll } = await tester.run();
    tester.close();
    trainer.close();
    return { measures: { nll }, details: { epoch: best.epoch, parameters: parameters.count } };
  } finally {
    machine.close();
  }
}

/** Pieces side by side as zeros and ones, time first. */
function together(pieces, keys) {
  const B = pieces.length;
  const longest = Math.max(...pieces.map(({ length }) => length - 1));
  const steps = Math.ceil(longest / ROUND) * ROUND;
  const [x, y] = [new Float64Array(steps * B * keys), new Float64Array(steps * B * keys)];
  const mask = new Float64Array(steps * B);
  for (const [b, piece] of pieces.entries())
    for (let t = 0; t + 1 < piece.length; t++) {
      mask[t * B + b] = 1;
      for (const key of piece[t]) x[(t * B + b) * keys + key] = 1;
      for (const key of piece[t + 1]) y[(t * B + b) * keys + key] = 1;
    }
  const weight = mask.reduce((sum, one) => sum + one, 0);
  return { inputs: { x, y, mask }, rows: B, steps, weight };
}

/** usage: node brainjs.mjs FOLDER. Runs a case in brain.js: its GRU, whose reset gate comes before the product. */
import { createRequire } from "node:module";
import { measure } from "../../dist/cli/bench/measure.js";
import { readData } from "../data.mjs";
import { report } from "./report.mjs";

const require = createRequire(new URL("../peers/", import.meta.url));
const brain = require("brain.js");
const { version } = require("brain.js/package.json");
const { c, numbers } = readData(process.argv[2]);

// It adds a token for begin and end, number 0, to those that it is told of.
const net = new brain.recurrent.GRU({
  ...{ inputSize: c.E, inputRange: c.V - 1, outputSize: c.V - 1 },
  hiddenLayers: new Array(c.L).fill(c.H),
});
net.initialize();
const fill = (matrix, data) => matrix.weights.set(data);
fill(net.model.input, numbers["embedding.weight"].data);
fill(net.model.outputConnector, numbers["head.weight"].data);
fill(net.model.output, numbers["head.bias"].data);
for (const [l, layer] of net.model.hiddenLayers.entries()) {
  const part = (name, gate) => {
    const { data } = numbers[`rnn.${name}_l${l}`];
    return data.subarray((gate * data.length) / 3, ((gate + 1) * data.length) / 3);
  };
  for (const [gate, prefix] of ["resetGate", "updateGate", "cellWrite"].entries()) {
    fill(layer[`${prefix}InputMatrix`], part("weight_ih", gate));
    fill(layer[`${prefix}HiddenMatrix`], part("weight_hh", gate));
    fill(
      layer[`${prefix}Bias`],
      part("bias_ih", gate).map((x, k) => x + part("bias_hh", gate)[k]),
    );
  }
}
// T steps of it are T − 1 tokens: it begins with 0 by itself.
const sequences = Array.from({ length: c.B }, (_, b) =>
  Array.from({ length: c.T - 1 }, (_, t) => numbers.tokens.data[(t + 1) * c.B + b] - 1),
);
/** The mean loss in nats, from the perplexity that it returns. */
function meanLoss() {
  const bits = sequences.map((sequence) => Math.log2(net.trainInput(sequence) * 100) * (sequence.length - 1));
  return (bits.reduce((a, b) => a + b, 0) * Math.LN2) / (c.T * c.B);
}
const run = () => {
  for (const sequence of sequences) {
    net.trainInput(sequence);
    net.backpropagate(sequence);
    net.adjustWeights();
  }
};
const agree = [meanLoss()];
const note = "its own RMSprop after every sequence; first loss compared";
report({ version, agree, note, ...(await measure(run)) });

/** usage: node onnxruntime-node.mjs FOLDER THREADS. Runs one LSTM node in ONNX Runtime. */
import { createRequire } from "node:module";
import { readData } from "../data.mjs";
import { measure } from "../measure.mjs";
import { lstmModel } from "./onnx-lstm.mjs";

const { c, tensors } = readData(process.argv[2]);
const require = createRequire(new URL("../peers/", import.meta.url));
const ort = require("onnxruntime-node");
const { version } = require("onnxruntime-node/package.json");
const threads = Number(process.argv[3]);

/** PyTorch's rows i, f, g, o in the order of ONNX: i, o, f, c. */
function permuted(data, columns) {
  const block = c.H * columns;
  return Float32Array.from([0, 3, 1, 2].flatMap((gate) => [...data.subarray(gate * block, (gate + 1) * block)]));
}
const weight = (name, columns) => permuted(tensors[`rnn.${name}_l0`].data, columns);
const [T, B] = c.kind === "stream" ? [1, 1] : [c.T, c.B];
const model = lstmModel({
  ...{ hiddenSize: c.H, inputSize: c.H },
  ...{ W: weight("weight_ih", c.H), R: weight("weight_hh", c.H) },
  B: Float32Array.from([...weight("bias_ih", 1), ...weight("bias_hh", 1)]),
});
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: threads, interOpNumThreads: 1 });
const zeros = () => new ort.Tensor("float32", new Float32Array(B * c.H), [1, B, c.H]);
let state = { initial_h: zeros(), initial_c: zeros() };
let output;
const run = async () => {
  const X = new ort.Tensor("float32", tensors.input.data, [T, B, c.H]);
  const result = await session.run({ X, ...state });
  output = result.Y.data;
  if (c.kind === "stream") state = { initial_h: result.Y_h, initial_c: result.Y_c };
};
const check = async () => {
  await run();
  return [...output.subarray(0, 3), output.reduce((a, b) => a + b, 0)];
};
await measure(run, check, { version, together: c.kind === "stream" ? 20 : 1 });

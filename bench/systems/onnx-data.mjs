/** The LSTM of a case as an ONNX model, and what to feed: for both packages of ONNX Runtime. */
import { lstmModel } from "./onnx-lstm.mjs";

/** PyTorch's rows i, f, g, o in the order of ONNX: i, o, f, c. */
function permuted(data, columns, H) {
  const block = H * columns;
  return Float32Array.from([0, 3, 1, 2].flatMap((gate) => [...data.subarray(gate * block, (gate + 1) * block)]));
}

export function onnxLstm({ c, numbers }) {
  const weight = (name, columns) => permuted(numbers[`rnn.${name}_l0`].data, columns, c.H);
  return lstmModel({
    ...{ hiddenSize: c.H, inputSize: c.H, int8: c.int8 === true },
    ...{ W: weight("weight_ih", c.H), R: weight("weight_hh", c.H) },
    B: Float32Array.from([...weight("bias_ih", 1), ...weight("bias_hh", 1)]),
  });
}

/** Runs a session on a case: `run` once, `check` gives what must agree. */
export function onnxRunner(ort, session, { c, numbers }) {
  const stream = c.kind === "stream";
  const [T, B] = stream ? [1, 1] : [c.T, c.B];
  const rows = stream
    ? [0, 1].map((k) => numbers["embedding.weight"].data.slice(k * c.H, (k + 1) * c.H))
    : [numbers.input.data];
  const zeros = () => new ort.Tensor("float32", new Float32Array(B * c.H), [1, B, c.H]);
  let state = { initial_h: zeros(), initial_c: zeros() };
  let output;
  let done = 0;
  const run = async () => {
    const X = new ort.Tensor("float32", rows[done++ % rows.length], [T, B, c.H]);
    const result = await session.run({ X, ...state });
    output = result.Y.data;
    if (stream) state = { initial_h: result.Y_h, initial_c: result.Y_c };
  };
  const check = async () => {
    for (let k = 0; k < (stream ? 3 : 1); k++) await run();
    return [...output.subarray(0, 3), output.reduce((a, b) => a + b, 0)];
  };
  return { run, check };
}

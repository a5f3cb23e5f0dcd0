/** An ONNX model of one LSTM node, as bytes: the few fields of its protocol buffers that are needed, written by number. */

const varint = (value) => {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
};
const whole = (field, value) => Buffer.from([...varint(field * 8), ...varint(value)]);
const bytes = (field, content) =>
  Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);
const text = (field, value) => bytes(field, Buffer.from(value));
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

const FLOAT = 1;
const tensor = (name, shape, data) =>
  message(5, ...shape.map((n) => whole(1, n)), whole(2, FLOAT), text(8, name), bytes(9, Buffer.from(data.buffer)));
/** Inputs and outputs: type and shape, where a name stands for any size. */
const value = (field, name, shape) => {
  const sizes = shape.map((n) => message(1, typeof n === "string" ? text(2, n) : whole(1, n)));
  return message(field, text(1, name), message(2, message(1, whole(1, FLOAT), message(2, ...sizes))));
};

/** @param {{ hiddenSize: number, inputSize: number, W: Float32Array, R: Float32Array, B: Float32Array }} o gates in ONNX order */
export function lstmModel({ hiddenSize: H, inputSize: I, W, R, B }) {
  const inputs = ["X", "W", "R", "B", "", "initial_h", "initial_c"].map((name) => text(1, name));
  const outputs = ["Y", "Y_h", "Y_c"].map((name) => text(2, name));
  const hidden = message(5, text(1, "hidden_size"), whole(3, H), whole(20, 2));
  const state = [1, "batch", H];
  const graph = message(
    7,
    message(1, ...inputs, ...outputs, text(4, "LSTM"), hidden),
    text(2, "lstm"),
    ...[tensor("W", [1, 4 * H, I], W), tensor("R", [1, 4 * H, H], R), tensor("B", [1, 8 * H], B)],
    ...[value(11, "X", ["time", "batch", I]), value(11, "initial_h", state), value(11, "initial_c", state)],
    ...[value(12, "Y", ["time", 1, "batch", H]), value(12, "Y_h", state), value(12, "Y_c", state)],
  );
  return Buffer.concat([whole(1, 8), graph, message(8, text(1, ""), whole(2, 14))]);
}

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

const [FLOAT, INT8] = [1, 3];
const tensor = (name, shape, data) =>
  message(
    5,
    ...shape.map((n) => whole(1, n)),
    whole(2, data instanceof Int8Array ? INT8 : FLOAT),
    text(8, name),
    bytes(9, Buffer.from(data.buffer)),
  );
/** Inputs and outputs: type and shape, where a name stands for any size. */
const value = (field, name, shape) => {
  const sizes = shape.map((n) => message(1, typeof n === "string" ? text(2, n) : whole(1, n)));
  return message(field, text(1, name), message(2, message(1, whole(1, FLOAT), message(2, ...sizes))));
};

/** Rows of [4H, columns] as int8 with a scale a row, laid out [columns, 4H] as DynamicQuantizeLSTM wants them. */
function quantized(name, data, rows) {
  const columns = data.length / rows;
  const values = new Int8Array(data.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const part = data.subarray(row * columns, (row + 1) * columns);
    scales[row] = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127 || 1;
    for (let k = 0; k < columns; k++) values[k * rows + row] = Math.round(part[k] / scales[row]);
  }
  return [
    tensor(name, [1, columns, rows], values),
    tensor(`${name}_scale`, [1, rows], scales),
    tensor(`${name}_zero_point`, [1, rows], new Int8Array(rows)),
  ];
}

/**
 * An LSTM node, or with `int8` ONNX Runtime's own DynamicQuantizeLSTM.
 *
 * @param {{ hiddenSize: number, inputSize: number, W: Float32Array, R: Float32Array, B: Float32Array, int8?: boolean }} o
 *   gates in ONNX order
 */
export function lstmModel({ hiddenSize: H, inputSize: I, W, R, B, int8 = false }) {
  const quantizers = ["W_scale", "W_zero_point", "R_scale", "R_zero_point"];
  const names = ["X", "W", "R", "B", "", "initial_h", "initial_c", ...(int8 ? ["", ...quantizers] : [])];
  const node = message(
    1,
    ...names.map((name) => text(1, name)),
    ...["Y", "Y_h", "Y_c"].map((name) => text(2, name)),
    text(4, int8 ? "DynamicQuantizeLSTM" : "LSTM"),
    message(5, text(1, "hidden_size"), whole(3, H), whole(20, 2)),
    ...(int8 ? [text(7, "com.microsoft")] : []),
  );
  const weights = int8
    ? [...quantized("W", W, 4 * H), ...quantized("R", R, 4 * H)]
    : [tensor("W", [1, 4 * H, I], W), tensor("R", [1, 4 * H, H], R)];
  const state = [1, "batch", H];
  const graph = message(
    7,
    node,
    text(2, "lstm"),
    ...weights,
    tensor("B", [1, 8 * H], B),
    ...[value(11, "X", ["time", "batch", I]), value(11, "initial_h", state), value(11, "initial_c", state)],
    ...[value(12, "Y", ["time", 1, "batch", H]), value(12, "Y_h", state), value(12, "Y_c", state)],
  );
  const operators = (domain, version) => message(8, text(1, domain), whole(2, version));
  return Buffer.concat([whole(1, 8), graph, operators("", 14), int8 ? operators("com.microsoft", 1) : Buffer.alloc(0)]);
}

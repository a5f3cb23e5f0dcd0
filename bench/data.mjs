/**
 * The numbers that every system of a case starts from, so that results can be compared before anything is timed. They are
 * written by one process and read by all: raw float32 and int32 in one file, and a list of what lies where.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Uniform numbers in [−0.5, 0.5), the same in every run. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}

const gates = { lstm: 4, gru: 3, rnn: 1 };

/** Names and shapes of what a case needs, named as PyTorch names them. @param {import("./cases.mjs").Case} c */
function tensors(c) {
  const rnn = (cell, D, H, L) =>
    Object.fromEntries(
      Array.from({ length: L }, (_, l) => [
        [`rnn.weight_ih_l${l}`, [gates[cell] * H, l ? H : D]],
        [`rnn.weight_hh_l${l}`, [gates[cell] * H, H]],
        [`rnn.bias_ih_l${l}`, [gates[cell] * H]],
        [`rnn.bias_hh_l${l}`, [gates[cell] * H]],
      ]).flat(),
    );
  const linear = (I, O) => ({ "head.weight": [O, I], "head.bias": [O] });
  switch (c.kind) {
    case "train":
      return { "embedding.weight": [c.V, c.E], ...rnn(c.cell, c.E, c.H, c.L), ...linear(c.H, c.V) };
    case "regress":
      return { ...rnn(c.cell, c.D, c.H, 1), ...linear(c.H, c.D), input: [c.T, c.B, c.D], target: [c.T, c.B, c.D] };
    case "sequence":
      return { ...rnn("lstm", c.H, c.H, 1), input: [c.T, c.B, c.H] };
    case "stream":
      return { ...rnn("lstm", c.H, c.H, 1), input: [1, 1, c.H] };
    case "gemm":
      return { a: [c.m, c.k], b: [c.k, c.n] };
  }
}

/** Writes the data of a case into a folder. @param {import("./cases.mjs").Case} c */
export function writeData(folder, c) {
  const list = [];
  const parts = [];
  const random = generator(7);
  let offset = 0;
  const add = (name, shape, type, values) => {
    list.push({ name, shape, type, offset, length: values.length });
    parts.push(Buffer.from(values.buffer));
    offset += values.byteLength;
  };
  for (const [name, shape] of Object.entries(tensors(c))) {
    const size = shape.reduce((a, b) => a * b, 1);
    const scale = name === "embedding.weight" || name === "input" || name === "target" ? 2 : 2 / Math.sqrt(c.H ?? c.k);
    add(
      name,
      shape,
      "float32",
      Float32Array.from({ length: size }, () => random() * scale),
    );
  }
  if (c.kind === "train") {
    const tokens = () => Int32Array.from({ length: c.T * c.B }, () => Math.floor((random() + 0.5) * c.V));
    add("tokens", [c.T, c.B], "int32", tokens());
    add("targets", [c.T, c.B], "int32", tokens());
  }
  writeFileSync(join(folder, "data.bin"), Buffer.concat(parts));
  writeFileSync(join(folder, "case.json"), JSON.stringify({ ...c, tensors: list }));
}

/** What `writeData` wrote: the case, and its tensors by name. */
export function readData(folder) {
  const { tensors: list, ...c } = JSON.parse(readFileSync(join(folder, "case.json"), "utf8"));
  const bytes = readFileSync(join(folder, "data.bin"));
  const view = ({ type, offset, length }) =>
    new (type === "int32" ? Int32Array : Float32Array)(bytes.buffer, bytes.byteOffset + offset, length);
  return { c, tensors: Object.fromEntries(list.map((t) => [t.name, { shape: t.shape, data: view(t) }])) };
}

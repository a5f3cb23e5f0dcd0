import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { onnxCases } from "./onnx.ts";

interface Entry {
  readonly name: string;
  readonly op: string;
  readonly S: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly inputs: readonly string[];
  readonly initializers: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, unknown>>;
}

const manifest: readonly Entry[] = JSON.parse(
  readFileSync(fileURLToPath(new URL("../golden/onnx-ort/manifest.json", import.meta.url)), "utf8"),
);
const cases = onnxCases();

test("all 36 cases load", () => {
  expect(cases).toHaveLength(36);
});

test.each(manifest.map((entry, i) => ({ entry, read: cases[i]! })))(
  "$entry.name is what the manifest says",
  ({ entry, read }) => {
    expect(read).toMatchObject({ name: entry.name, op: entry.op });
    expect(Object.keys(read.inputs).sort()).toEqual([...entry.inputs, ...entry.initializers].sort());
    expect(Object.keys(read.outputs).sort()).toEqual([...entry.outputs].sort());
    expect(Object.keys(read.attributes).sort()).toEqual(Object.keys(entry.attrs).sort());
    for (const [name, value] of Object.entries(entry.attrs)) {
      const came = read.attributes[name];
      // The manifest holds alpha and beta as decimals, the file as float32.
      if (Array.isArray(value) && typeof value[0] === "number") expect(came).toEqual(value.map(Math.fround));
      else expect(came).toEqual(value);
    }
    const directions = entry.attrs.direction === "bidirectional" ? 2 : 1;
    const gates = { RNN: 1, GRU: 3, LSTM: 4 }[entry.op]!;
    expect(read.inputs.X!.shape).toEqual([entry.S, entry.B, entry.I]);
    expect(read.inputs.W!.shape).toEqual([directions, gates * entry.H, entry.I]);
    if (read.inputs.sequence_lens) expect(read.inputs.sequence_lens.data).toBeInstanceOf(Int32Array);
    if (read.outputs.Y) expect(read.outputs.Y.shape).toEqual([entry.S, directions, entry.B, entry.H]);
    for (const { data } of Object.values(read.outputs)) expect(data.some((value) => value !== 0)).toBe(true);
  },
);

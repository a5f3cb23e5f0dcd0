import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import type { Machine } from "../../src/compute/machine.ts";
import { open } from "../../src/formats/open.ts";
import type { ModelArray } from "../../src/formats/plans.ts";
import { exportModel } from "../../src/formats/save.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { size } from "../../src/shared/shapes.ts";

/** Vocabulary, embedding, units, batch, steps. */
export const [V, E, H, B, T] = [5, 3, 4, 2, 3] as const;
export const normal = (count: number, name: string): number[] => Array.from(new RandomStream(8, name).normal(count));

/**
 * What a PyTorch module of an embedding (or none), a recurrent layer in both directions (or one) and a linear layer would save.
 * @param change of the numbers of a tensor, rows of the last axis
 */
export function stateDict(
  { gates, tokens, both }: { gates: number; tokens: boolean; both: boolean },
  change: (name: string, data: number[], columns: number) => void = () => undefined,
): Uint8Array {
  const shapes: Record<string, number[]> = { ...(tokens && { "embedding.weight": [V, E] }) };
  for (const end of both ? ["", "_reverse"] : [""])
    Object.assign(shapes, {
      [`rnn.weight_ih_l0${end}`]: [gates * H, E],
      [`rnn.weight_hh_l0${end}`]: [gates * H, H],
      [`rnn.bias_ih_l0${end}`]: [gates * H],
      [`rnn.bias_hh_l0${end}`]: [gates * H],
    });
  Object.assign(shapes, { "head.weight": [2, both ? 2 * H : H], "head.bias": [2] });
  return writeSafetensors(
    new Map(
      Object.entries(shapes).map(([name, s]) => {
        const data = normal(size(s), name);
        change(name, data, s.at(-1)!);
        return [name, safeTensor("F32", s, data)];
      }),
    ),
  );
}

/** The model in another format, and what it reads. */
export async function imported(bytes: Uint8Array, to: "pytorch" | "onnx" | "keras", machine: Machine) {
  const first = await open(bytes, { machine });
  const model = await open((await exportModel(first, { to })).bytes, { machine });
  first.close();
  const { name, type } = model.inputs.find((port) => !port.optional && !/^(h|c|.*\.(h|c))$/.test(port.name))!;
  const inputs: Record<string, ModelArray> =
    type === "int64"
      ? { [name]: { shape: [B, T], data: [1, 4, 2, 0, 3, 3] } }
      : { [name]: { shape: [B, T, E], data: normal(B * T * E, "x") } };
  for (const port of model.inputs)
    if (!port.optional && port.name !== name) {
      const shape = port.shape!.map((n) => (typeof n === "number" ? n : B));
      inputs[port.name] = { shape, data: new Float32Array(size(shape)) };
    }
  const output = model.outputs[0]!.name;
  return { model, inputs, output, seed: { [output]: normal(B * T * 2, "seed") } };
}

import { createRequire } from "node:module";
import { join } from "node:path";
import type { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { type Model, open } from "../formats/open.ts";
import type { ModelArray } from "../formats/plans.ts";
import { type Comparison, compareModels, comparison, inputsOfBoth, randomInputs } from "../formats/verify.ts";
import { integer, path, type ValuesOf } from "../schema/fields.ts";
import { formatShape } from "../shared/shapes.ts";
import { defineCommand } from "./command.ts";
import { Ended } from "./failure.ts";
import { jsonLine } from "./format.ts";
import { EXIT, type Io } from "./io.ts";
import { differenceText, inputsFrom, MODEL_FILES, tolerance } from "./model-arrays.ts";
import { common } from "./options.ts";

const { machine, json } = common;
const fields = {
  a: path({ about: MODEL_FILES, unit: "a", positional: true, required: true }),
  b: path({ about: "the model to compare with", unit: "b", positional: true, required: true }),
  inputs: path({ about: "file with the inputs of A by name", unit: "file", otherwise: "random numbers" }),
  tolerance,
  seed: integer({ about: "seed of the random numbers", unit: "number", min: 0, default: 0 }),
  machine,
  json,
} as const;
type VerifyFlags = ValuesOf<typeof fields>;

export const verifyCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "verify",
    summary: "compare what two model files compute",
    description:
      "Runs two model files on the same input and prints the largest difference of each output; where onnxruntime-node is installed, ONNX files run there as well. The exit code is 1 if a difference is above the tolerance.",
    fields,
    examples: ["verify model.keras model.onnx", "verify a.onnx b.onnx --inputs in.npz --tolerance 1e-4"],
    run: (values) => verify(values, io),
  });

interface Line extends Comparison {
  readonly with: string;
}

async function verify(flags: VerifyFlags, io: Io): Promise<void> {
  using machine = await openMachine(flags.machine);
  using a = await open(flags.a, { machine });
  using b = await open(flags.b, { machine });
  const inputs =
    flags.inputs === undefined ? await randomInputs(a, { seed: flags.seed }) : await inputsFrom(flags.inputs, a.inputs);
  const lines: Line[] = (await compareModels(a, b, inputs)).map((c) => ({ ...c, with: flags.b }));
  const given = inputsOfBoth(a, b, inputs);
  const graphs = [
    { file: flags.a, model: a, inputs: given.a },
    { file: flags.b, model: b, inputs: given.b },
  ].filter(({ model }) => model.file.content.kind === "graph");
  const runtime = graphs.length > 0 ? await onnxRuntime(io, flags) : undefined;
  if (runtime) for (const graph of graphs) lines.push(...(await inRuntime(runtime, graph)));
  for (const line of lines) {
    const { outputs, shape, difference } = line;
    await io.stdout.write(
      flags.json
        ? jsonLine({ type: "difference", output: outputs[0], with: line.with, shape, difference })
        : `${outputs[0]} ${formatShape(shape)}, ${line.with}: ${differenceText(difference)}\n`,
    );
  }
  const largest = Math.max(...lines.map((line) => line.difference));
  if (largest <= flags.tolerance) return;
  await io.stderr.write(`The outputs differ by ${largest.toExponential(1)}, --tolerance is ${flags.tolerance}.\n`);
  throw new Ended(EXIT.failure);
}

interface Runtime {
  readonly Tensor: new (
    type: string,
    data: unknown,
    dims: readonly number[],
  ) => { data: ArrayLike<number>; dims: number[] };
  readonly InferenceSession: {
    create(
      bytes: Uint8Array,
      options: object,
    ): Promise<{
      run(inputs: object): Promise<Record<string, { data: ArrayLike<number>; dims: number[] }>>;
    }>;
  };
}

/** ONNX Runtime, where the project that we are in has it. */
async function onnxRuntime(io: Io, { json }: VerifyFlags): Promise<Runtime | undefined> {
  try {
    return createRequire(join(process.cwd(), "package.json"))("onnxruntime-node") as Runtime;
  } catch {
    if (!json)
      await io.stderr.write(
        "Note: onnxruntime-node is not installed here, so ONNX files were run by longshort alone.\n",
      );
    return undefined;
  }
}

interface Graph {
  readonly file: string;
  readonly model: Model;
  readonly inputs: Readonly<Record<string, ModelArray>>;
}

/** What an ONNX file gives here and in ONNX Runtime. */
async function inRuntime(runtime: Runtime, { file, model, inputs }: Graph): Promise<Line[]> {
  const { content } = model.file;
  if (content.kind !== "graph") return [];
  const session = await runtime.InferenceSession.create(content.bytes, { logSeverityLevel: 3 });
  const given = Object.fromEntries(
    model.inputs.map(({ name, type = "float32" }) => {
      const { shape, data } = inputs[name]!;
      const numbers = arrays[type]?.(data) ?? Float32Array.from(data);
      return [name, new runtime.Tensor(type, numbers, shape)];
    }),
  );
  const [ours, theirs] = [await model.run(inputs), await session.run(given)];
  return model.outputs.map(({ name }) => ({
    ...comparison([name, name], ours[name]!, { shape: theirs[name]!.dims, data: theirs[name]!.data }),
    with: `${file} in onnxruntime`,
  }));
}

const arrays: Readonly<Record<string, ((data: ArrayLike<number>) => unknown) | undefined>> = {
  int64: (data) => BigInt64Array.from(Array.from(data, (n) => BigInt(n))),
  int32: (data) => Int32Array.from(data),
  uint8: (data) => Uint8Array.from(data),
  int8: (data) => Int8Array.from(data),
  bool: (data) => Uint8Array.from(data),
  float64: (data) => Float64Array.from(data),
};

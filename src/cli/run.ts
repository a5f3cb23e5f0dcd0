import { Command } from "commander";
import { platform } from "#platform";
import { openMachine } from "../compute/open.ts";
import { readArrays, writeArrays } from "../formats/named-arrays.ts";
import { type Model, open } from "../formats/open.ts";
import type { ModelArray, ModelResult } from "../formats/plans.ts";
import { sizesOf, stateShape } from "../formats/replay.ts";
import { UsageError } from "../shared/errors.ts";
import { size } from "../shared/shapes.ts";
import type { Io } from "./io.ts";
import { inputsFrom, resultText } from "./model-arrays.ts";
import { examples, type MACHINES, option, shared } from "./options.ts";

interface RunFlags {
  readonly inputs: string;
  readonly outputs?: string;
  readonly state?: string;
  readonly machine: (typeof MACHINES)[number];
  readonly json?: true;
}

export function runCommand(io: Io): Command {
  const command = new Command("run")
    .summary("run a model file on named arrays")
    .description(
      "Runs a model of any readable format on named arrays: NPZ, NPY (a model with one input) or JSON, an object of nested\nlists or { shape, data }. States that are not given are zero; --state carries them from call to call.",
    )
    .argument("<model>", "ONNX, .keras, .h5, model.json, .pt, .safetensors, .npz or the folder of a run")
    .addOption(
      option("--inputs <file>", "arrays that the model reads, by the names of its inputs").makeOptionMandatory(),
    )
    .addOption(
      option("--outputs <file>", "where the results go, .npz, .npy or .json (default: only their shapes are printed)"),
    )
    .addOption(option("--state <file>", "states are read from it if it is there and written to it afterwards"))
    .addOption(shared.machine())
    .addOption(shared.json());
  examples(command, io.program, [
    "run model.onnx --inputs in.npz --outputs out.npz",
    "run silero_vad.onnx --inputs chunk.json --outputs speech.json --state state.npz",
  ]);
  return command.action((path: string, flags: RunFlags) => runModel(path, flags, io));
}

async function runModel(path: string, flags: RunFlags, io: Io): Promise<void> {
  const machine = await openMachine(flags.machine);
  try {
    using model = await open(path, { machine });
    const given = await inputsFrom(flags.inputs, model.inputs);
    const before = flags.state === undefined ? {} : await stateBefore(flags.state, model);
    const inputs = { ...zeroStates(model, given), ...before, ...given };
    const results = await model.run(inputs);
    const carried = new Set(flags.state === undefined ? [] : model.states.map(({ output }) => output));
    const outputs = Object.fromEntries(Object.entries(results).filter(([name]) => !carried.has(name)));
    if (flags.outputs !== undefined) await platform.writeFileAtomic(flags.outputs, writeArrays(flags.outputs, outputs));
    if (flags.state !== undefined) {
      const after = Object.fromEntries(
        model.states.map(({ input, output }): [string, ModelResult] => [input, results[output]!]),
      );
      await platform.writeFileAtomic(flags.state, writeArrays(flags.state, after));
    }
    await tell(outputs, flags, io);
  } finally {
    machine.close();
  }
}

async function stateBefore(path: string, model: Model): Promise<Record<string, ModelArray>> {
  if (model.states.length === 0)
    throw new UsageError(
      "no-state",
      "--state: this model has no state to carry, none of its inputs is continued by an output",
    );
  try {
    return await readArrays(path);
  } catch (error) {
    if (error instanceof UsageError && error.code === "file-not-found") return {};
    throw error;
  }
}

/** States that nobody gives begin with zeros. */
function zeroStates(model: Model, given: Readonly<Record<string, ModelArray>>): Record<string, ModelArray> {
  const sizes = sizesOf(model.inputs, given);
  return Object.fromEntries(
    model.states.map(({ input }): [string, ModelArray] => {
      const shape = stateShape(model.inputs.find(({ name }) => name === input)!, sizes);
      return [input, { shape, data: new Float32Array(size(shape)) }];
    }),
  );
}

async function tell(outputs: Readonly<Record<string, ModelResult>>, flags: RunFlags, io: Io): Promise<void> {
  for (const [name, result] of Object.entries(outputs)) {
    const { type, shape, data } = result;
    const line = flags.json
      ? JSON.stringify({ type: "output", name, elements: type, shape, data: Array.from(data) })
      : `${name}: ${resultText(result)}`;
    await io.stdout.write(`${line}\n`);
  }
  if (flags.outputs !== undefined && !flags.json) await io.stdout.write(`written to ${flags.outputs}\n`);
}

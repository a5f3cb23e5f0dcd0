import type { Command } from "commander";
import { platform } from "#platform";
import { openMachine } from "../compute/open.ts";
import { sizesOf, withStates, zeroStates } from "../formats/model-inputs.ts";
import { expectArrayFile, readArrays, writeArrays } from "../formats/named-arrays.ts";
import { type Model, open } from "../formats/open.ts";
import type { ModelArray, ModelResult } from "../formats/plans.ts";
import { path, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { firstNotFinite } from "../shared/finite.ts";
import { defineCommand } from "./command.ts";
import type { Io } from "./io.ts";
import { inputsFrom, MODEL_FILES, resultText } from "./model-arrays.ts";
import { common } from "./options.ts";

const { machine, json } = common;
const fields = {
  model: path({ about: MODEL_FILES, unit: "model", positional: true, required: true }),
  inputs: path({ about: "file with the inputs by name", unit: "file", required: true }),
  outputs: path({
    about: "file for the outputs: .npz, .npy or .json",
    ...{ unit: "file", otherwise: "only their shapes are printed" },
  }),
  state: path({
    about: "file of states: read if it exists, and written afterwards",
    ...{ unit: "file", otherwise: "states that are not given are zero" },
  }),
  machine,
  json,
} as const;
type RunFlags = ValuesOf<typeof fields>;
type Arrays<A extends ModelArray = ModelArray> = Readonly<Record<string, A>>;

export const runCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "run",
    summary: "run a model file on named arrays",
    description:
      "Runs a model of any readable format on named arrays: NPZ, NPY (for a model with one input) or JSON, an object of nested lists or { shape, data }.",
    fields,
    examples: [
      "run model.onnx --inputs in.npz --outputs out.npz",
      "run silero_vad.onnx --inputs chunk.json --outputs speech.json --state state.npz",
    ],
    run: (values) => runModel(values, io),
  });

async function runModel(flags: RunFlags, io: Io): Promise<void> {
  for (const file of [flags.outputs, flags.state]) if (file !== undefined) expectArrayFile(file);
  using machine = await openMachine(flags.machine);
  using model = await open(flags.model, { machine });
  const given = await inputsFrom(flags.inputs, model.inputs);
  const { outputs, after } = await (flags.state === undefined
    ? whole(model, given, io)
    : piece(model, given, flags.state));
  if (flags.outputs !== undefined) await platform.writeFileAtomic(flags.outputs, writeArrays(flags.outputs, outputs));
  if (flags.state !== undefined) await platform.writeFileAtomic(flags.state, writeArrays(flags.state, after!));
  await tell(outputs, flags, io);
}

interface Ran {
  readonly outputs: Arrays<ModelResult>;
  /** The states behind the inputs. */
  readonly after?: Arrays<ModelResult>;
}

/** States that nobody gives begin with zeros. */
async function whole(model: Model, given: Arrays, io: Io): Promise<Ran> {
  await tellNotFinite(given, io);
  return { outputs: await model.run(withStates(model, given)) };
}

/** The next piece of sequences, from the states that a file holds. */
async function piece(model: Model, given: Arrays, path: string): Promise<Ran> {
  const before = await stateBefore(path, model);
  const names = model.states.map(({ input }) => input);
  const isState = (name: string): boolean => names.includes(name);
  const inputs = Object.entries(given);
  const states = { ...before, ...Object.fromEntries(inputs.filter(([name]) => isState(name))) };
  const sizes = sizesOf(model.inputs, given);
  const shapes = model.inputs.filter(({ name }) => isState(name)).flatMap(({ shape = [] }) => shape);
  const [batchSize = 1] = shapes.flatMap((n) => (typeof n === "string" ? (sizes.get(n) ?? []) : []));
  using session = await model.openSession({ batchSize });
  if (Object.keys(states).length > 0) session.setState({ ...zeroStates(model, sizes), ...states });
  const outputs = await session.next(Object.fromEntries(inputs.filter(([name]) => !isState(name))));
  return { outputs, after: await session.state() };
}

async function stateBefore(path: string, model: Model): Promise<Record<string, ModelArray>> {
  if (model.states.length === 0)
    throw new UsageError(
      "no-state",
      "--state: this model has no state to carry, none of its inputs takes the value of an output",
    );
  try {
    return await readArrays(path);
  } catch (error) {
    if (error instanceof UsageError && error.code === "file-not-found") return {};
    throw error;
  }
}

/** Models compute with them what IEEE 754 says, and few results are of use then. */
async function tellNotFinite(inputs: Readonly<Record<string, ModelArray>>, io: Io): Promise<void> {
  for (const [name, { data }] of Object.entries(inputs)) {
    const at = firstNotFinite(data as ArrayLike<number>);
    if (at >= 0)
      await io.stderr.write(
        `input "${name}": element ${at} is ${data[at]}; what depends on it may be no number either\n`,
      );
  }
}

async function tell(outputs: Readonly<Record<string, ModelResult>>, flags: RunFlags, io: Io): Promise<void> {
  for (const [name, result] of Object.entries(outputs)) {
    const { type, shape, data } = result;
    const line = flags.json
      ? JSON.stringify({ type: "output", name, elements: type, shape, data: Array.from(data) })
      : `${name}: ${resultText(result)}`;
    await io.stdout.write(`${line}\n`);
  }
  if (flags.outputs !== undefined && !flags.json) await io.stdout.write(`Wrote ${flags.outputs}\n`);
}

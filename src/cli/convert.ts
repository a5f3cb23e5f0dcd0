import type { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { convertModel, networkOfText, TARGETS, type Target } from "../formats/convert.ts";
import type { ModelFile } from "../formats/model-file.ts";
import { Model } from "../formats/open.ts";
import { readModel } from "../formats/read-model.ts";
import { targetOf, writeConverted } from "../formats/save.ts";
import { compareModels, randomInputs } from "../formats/verify.ts";
import { choice, number, onOff, path, type ValuesOf } from "../schema/fields.ts";
import { FailureError } from "../shared/errors.ts";
import { defineCommand } from "./command.ts";
import type { Io } from "./io.ts";
import { MODEL_FILES } from "./model-arrays.ts";
import { common } from "./options.ts";

const fields = {
  input: path({ ...{ about: MODEL_FILES, unit: "in", positional: true, required: true } }),
  output: path({ ...{ about: "file to write", unit: "out", positional: true, required: true } }),
  to: choice(TARGETS, { about: "format of the new file", otherwise: "told by the ending of its name" }),
  verify: onOff({ about: "run both on random input and compare", off: "do not run the new file", default: true }),
  tolerance: number({
    about: "largest difference, relative to the largest number of an output",
    ...{ unit: "number", above: 0, default: 1e-5 },
  }),
  weightsOnly: onOff({ about: "of an ONNX graph, write the weights without the graph" }),
  nonlinearity: choice(["tanh", "relu"], {
    about: "of an nn.RNN, which a state dictionary does not say",
    otherwise: "tanh",
  }),
  json: common.json,
} as const;
type ConvertFlags = ValuesOf<typeof fields>;

export const convertCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "convert",
    summary: "write a model in the format of another framework",
    description:
      "Writes a model in the format of another framework: the same function, or a refusal with the reason. The new file is\nread again and both are run on random input before it takes its place.",
    fields,
    examples: [
      "convert model.keras model.onnx",
      "convert runs/2026-01-31-novel novel.pt",
      "convert lstm.pt model.json --to tfjs",
    ],
    run: (values) => convert(values, io),
  });

async function convert(flags: ConvertFlags, io: Io): Promise<void> {
  const { input, output, nonlinearity } = flags;
  const to: Target = flags.to ?? targetOf(output);
  const file = await readModel(input, { ...(nonlinearity && { nonlinearity }) });
  const converted = convertModel(file, { to, weightsOnly: flags.weightsOnly });
  const again = (): Promise<ModelFile> =>
    readModel(converted.bytes, {
      files: Object.fromEntries(converted.beside),
      ...(nonlinearity && { nonlinearity }),
    });
  const difference = flags.verify && !flags.weightsOnly ? await verified(file, await again(), flags) : undefined;
  await writeConverted(converted, output);
  const notes = [...file.conventions, ...converted.notes];
  const files = [output, ...converted.beside.keys()];
  if (flags.json) {
    await io.stdout.write(
      `${JSON.stringify({ type: "converted", from: file.format, to, files, notes, difference })}\n`,
    );
    return;
  }
  await io.stdout.write(`${file.format} → ${to}: ${files.join(", ")}\n`);
  for (const note of notes) await io.stdout.write(`  ${note}\n`);
  if (difference !== undefined)
    await io.stdout.write(`  both run on random input: they differ by ${difference.toExponential(1)} at the most\n`);
}

/** The difference of the two, or nothing where one of them is no model but weights. */
async function verified(from: ModelFile, to: ModelFile, flags: ConvertFlags): Promise<number | undefined> {
  if (from.content.kind === "weights" || to.content.kind === "weights") return undefined;
  const machine = await openMachine("reference");
  try {
    // Layers have the batch first, a language model has the time first; the new file says which it is compared with.
    const { content } = from;
    const layers = content.kind === "text" && to.content.kind === "network";
    const own = layers
      ? { ...from, content: { kind: "network", network: networkOfText(content.text) } as const }
      : from;
    const [a, b] = [new Model(own, { machine }), new Model(to, { machine })];
    const results = await compareModels(a, b, await randomInputs(a));
    const difference = Math.max(...results.map((r) => r.difference));
    if (!(difference <= flags.tolerance))
      throw new FailureError(
        "differs",
        `the new file computes something else: the outputs differ by ${difference.toExponential(2)} (allowed ${flags.tolerance}); nothing was written`,
      );
    return difference;
  } finally {
    machine.close();
  }
}

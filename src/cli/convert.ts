import type { Command } from "commander";
import type { SafeTensor } from "../checkpoint/safe-tensor.ts";
import { readSafetensors } from "../checkpoint/safetensors.ts";
import { openMachine } from "../compute/open.ts";
import {
  asWritten,
  CONTAINERS,
  type Container,
  type Converted,
  convertModel,
  networkOfText,
  TARGETS,
  type Target,
  weightsFor,
} from "../formats/convert.ts";
import type { ModelFile } from "../formats/model-file.ts";
import { readNpz } from "../formats/npz.ts";
import { Model } from "../formats/open.ts";
import { readPyTorch } from "../formats/pytorch/read.ts";
import { readModel } from "../formats/read-model.ts";
import { targetOf, writeConverted } from "../formats/save.ts";
import { weightsFileOf } from "../formats/tfjs/write.ts";
import { compareModels, randomInputs } from "../formats/verify.ts";
import { choice, onOff, path, type ValuesOf } from "../schema/fields.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import { sameShape } from "../shared/shapes.ts";
import { defineCommand } from "./command.ts";
import { jsonLine } from "./format.ts";
import type { Io } from "./io.ts";
import { differenceText, MODEL_FILES, tolerance } from "./model-arrays.ts";
import { common } from "./options.ts";

const fields = {
  input: path({ about: MODEL_FILES, unit: "in", positional: true, required: true }),
  output: path({ about: "file to write", unit: "out", positional: true, required: true }),
  to: choice(TARGETS, { about: "format of the new file", unit: "format", otherwise: "by the ending of its name" }),
  verify: onOff({ about: "run both on random input and compare", off: "do not run the new file", default: true }),
  tolerance,
  weightsOnly: onOff({
    about:
      "to .pt, .safetensors or .npz: write the weights of an ONNX graph without the graph, of masked layers without the mask",
  }),
  lengths: onOff({
    about: "in ONNX: take the lengths of the sequences of a padded batch as an input of classifiers and taggers",
    off: "leave the lengths of sequences out: those of one length are one batch",
    default: true,
  }),
  nonlinearity: choice(["tanh", "relu"], {
    about: "activation of an nn.RNN, which a state dictionary does not contain",
    ...{ unit: "name", otherwise: "tanh" },
  }),
  json: common.json,
} as const;
type ConvertFlags = ValuesOf<typeof fields>;

export const convertCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "convert",
    summary: "write a model in the format of another framework",
    description:
      "Writes a model in the format of another framework: that of a file, or of a run of train text, classify, tag or forecast. A conversion that would change the function is refused with the reason. The new file is read back, and both are run on random input before it is put in place.",
    fields,
    examples: [
      "convert model.keras model.onnx",
      "convert runs/2026-01-31-novel novel.pt",
      "convert runs/names names.onnx",
      "convert lstm.pt model.json --to tfjs",
    ],
    run: (values) => convert(values, io),
  });

async function convert(flags: ConvertFlags, io: Io): Promise<void> {
  const { input, output, nonlinearity, weightsOnly, lengths } = flags;
  if (!flags.verify && flags.tolerance !== tolerance.default)
    throw new UsageError("bad-option", "--tolerance and --no-verify: give one of them");
  const to: Target = flags.to ?? targetOf(output);
  const file = await readModel(input, { nonlinearity });
  const converted = convertModel(file, { to, weightsOnly, lengths, weightsFile: weightsFileOf(output) });
  const again = (): Promise<ModelFile> =>
    readModel(converted.bytes, { files: Object.fromEntries(converted.files), nonlinearity });
  const found = flags.verify ? await verified(asWritten(file, { to, lengths }), converted, again, flags) : undefined;
  await writeConverted(converted, output);
  const notes = [...file.conventions, ...converted.notes];
  const files = [output, ...converted.files.keys()];
  const { forward } = converted;
  if (flags.json) {
    const difference = found === "numbers" ? undefined : found;
    await io.stdout.write(jsonLine({ type: "converted", from: file.format, to, files, notes, forward, difference }));
    return;
  }
  await io.stdout.write(`${file.format} → ${to}: ${files.join(", ")}\n`);
  for (const note of notes) await io.stdout.write(`  ${note}\n`);
  if (forward.length > 0) await io.stdout.write("What the file does not contain, for forward:\n");
  for (const what of forward) await io.stdout.write(`  ${what}\n`);
  if (found === "numbers") await io.stdout.write("  read back, it holds the same numbers\n");
  else if (found !== undefined) await io.stdout.write(`  both run on random input: ${differenceText(found)}\n`);
}

/** How far the new file computes something else; of one that holds weights alone, whether these are the same "numbers". */
async function verified(
  from: ModelFile,
  { to, bytes, forward }: Converted,
  again: () => Promise<ModelFile>,
  flags: ConvertFlags,
): Promise<number | "numbers"> {
  const container = CONTAINERS.find((one) => one === to);
  if (container) {
    const { tensors } = weightsFor(from, { to: container, weightsOnly: flags.weightsOnly });
    const written = await readTensors[container](bytes);
    const same = [...tensors].every(([name, tensor]) => sameTensor(written.get(name), tensor));
    if (!same || written.size !== tensors.size)
      throw new FailureError("differs", "the new file does not hold the same numbers; nothing was written");
    if (forward.length > 0 || !["network", "text"].includes(from.content.kind)) return "numbers";
  }
  const file = await again();
  return file.content.kind === "weights" ? "numbers" : difference(from, file, flags);
}

const readTensors: Readonly<Record<Container, (bytes: Uint8Array) => Promise<ReadonlyMap<string, SafeTensor>>>> = {
  npz: readNpz,
  safetensors: async (bytes) => readSafetensors(bytes).tensors,
  async pytorch(bytes) {
    const { tensors } = await readPyTorch(bytes);
    return new Map(await Promise.all([...tensors].map(async ([name, view]) => [name, await view.read()] as const)));
  },
};

function sameTensor(a: SafeTensor | undefined, b: SafeTensor): boolean {
  if (!a || a.dtype !== b.dtype || !sameShape(a.shape, b.shape)) return false;
  // Once: those of a tensor that lies in a file are read anew each time.
  const [own, other] = [a.bytes, b.bytes];
  return own.every((byte, k) => byte === other[k]);
}

async function difference(from: ModelFile, to: ModelFile, flags: ConvertFlags): Promise<number> {
  using machine = await openMachine("reference");
  // Layers have the batch first, a language model has the time first; the new file says which it is compared with.
  const { content } = from;
  const layers = content.kind === "text" && to.content.kind === "network";
  const own = layers ? { ...from, content: { kind: "network", network: networkOfText(content.text) } as const } : from;
  const [a, b] = [new Model(own, { machine }), new Model(to, { machine })];
  const results = await compareModels(a, b, await randomInputs(a));
  const largest = Math.max(...results.map((r) => r.difference));
  if (!(largest <= flags.tolerance))
    throw new FailureError(
      "differs",
      `the new file computes something else: its outputs differ by ${largest.toExponential(1)}, --tolerance is ${flags.tolerance}; nothing was written`,
    );
  return largest;
}

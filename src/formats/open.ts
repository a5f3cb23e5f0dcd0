import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { ByteInput } from "./byte-source.ts";
import type { ModelFile, ModelFormat } from "./model-file.ts";
import { networkRunnable } from "./network-runnable.ts";
import { onnxRunnable } from "./onnx/program.ts";
import { expectSupported } from "./onnx/record.ts";
import { Program, type ProgramOptions } from "./program.ts";
import { type ReadModelOptions, readModel } from "./read-model.ts";
import { textRunnable } from "./run-model.ts";
import type { Runnable } from "./runnable.ts";

/** Options of `open`. */
export interface OpenOptions extends ProgramOptions, ReadModelOptions {}

/** A model of any format on a machine: see `open`. */
export class Model extends Program {
  /** The content of the file. */
  readonly file: ModelFile;

  constructor(file: ModelFile, options: ProgramOptions) {
    super(runnableOf(file), options);
    this.file = file;
  }

  get format(): ModelFormat {
    return this.file.format;
  }
  /** What the file leaves to convention and how it was interpreted, in words. */
  get conventions(): readonly string[] {
    return this.file.conventions;
  }
}

/**
 * Opens a model of any readable format on a machine: ONNX, Keras (`.keras`, `.h5`), TensorFlow.js (`model.json`), PyTorch state
 * dictionaries (`.pt`, safetensors, NPZ) whose names and shapes determine one network, and runs of this package of language models,
 * classifiers and taggers. The format is detected from the bytes of a path, URL, Blob, File or array. No code in a file is ever run.
 * @example
 * ```ts
 * const machine = await openMachine("wasm");
 * const model = await open("silero_vad.onnx", { machine });
 * const { output, stateN } = await model.run({ input, state, sr });
 * ```
 * @throws UsageError "unknown-format", "unknown-network", "unsupported-onnx", …; FailureError when the file is damaged; the
 *   reason of `signal`
 */
export async function open(input: ByteInput, options: OpenOptions): Promise<Model> {
  expectOptions("open", options, {
    machine: "required",
    plans: 1,
    config: 1,
    files: 1,
    nonlinearity: 1,
    onProgress: 1,
    signal: 1,
    cells: 1,
  });
  const { machine, plans, ...reading } = options;
  return new Model(await readModel(input, reading), { machine, plans });
}

/** @throws UsageError "unknown-network" for tensors that do not say what they are of */
export function runnableOf({ content, name }: ModelFile): Runnable {
  switch (content.kind) {
    case "graph":
      expectSupported(content.graph);
      return onnxRunnable(content.graph);
    case "network":
      return networkRunnable(content.network);
    case "text":
      return textRunnable(content.text);
    case "weights":
      throw new UsageError("unknown-network", `${name}: ${content.why}`);
  }
}

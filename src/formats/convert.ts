import { type SafeTensor, safeTensor } from "../checkpoint/safe-tensor.ts";
import { writeSafetensors } from "../checkpoint/safetensors.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import { ONNX_HAS_IT, unknownCell } from "./any-cell.ts";
import { wholeSequences } from "./canonical/whole-sequences.ts";
import type { CanonicalModel } from "./canonical.ts";
import { type Framework, gateOrder } from "./gate-order.ts";
import { writeKeras, writeKerasH5 } from "./keras/write.ts";
import type { NamedContent } from "./model-file.ts";
import { writeNpz } from "./npz.ts";
import { learnedTensors } from "./onnx/learned.ts";
import { rewriteOnnx } from "./onnx/rewrite.ts";
import { writeOnnx } from "./onnx/write.ts";
import { writeNetworkOnnx } from "./onnx/write-network.ts";
import { networkOfStateDict } from "./pytorch/network.ts";
import { writePyTorch } from "./pytorch/write.ts";
import { stateDictOf } from "./pytorch/write-network.ts";
import type { LoadedText } from "./run-model.ts";
import { writeTensorFlowJs } from "./tfjs/write.ts";

export const TARGETS = ["onnx", "pytorch", "keras", "keras-h5", "tfjs", "safetensors", "npz"] as const;
/** Formats that are written, by the name that `--to` uses. */
export type Target = (typeof TARGETS)[number];

/** Options of `exportModel` and `convertModel`. */
export interface ConvertOptions {
  /** The format. */
  readonly to: Target;
  /**
   * Whether to write only weights where a state dictionary cannot represent the function: of an ONNX graph, and of layers behind a
   * mask. Default false.
   */
  readonly weightsOnly?: boolean | undefined;
  /**
   * Of networks that take the lengths of padded sequences: whether an ONNX file has them as an input, which then must be given. Other
   * formats have none: their batches are of sequences of one length. Default true.
   */
  readonly lengths?: boolean | undefined;
  /** For TensorFlow.js: name of the file with the weights. Default "weights.bin"; `save` names it after the model. */
  readonly weightsFile?: string | undefined;
}

/** A model in another format. */
export interface Converted {
  /** The format. */
  readonly to: Target;
  /** The bytes of the file. */
  readonly bytes: OwnBytes;
  /** Further files to store in the same folder, by name. */
  readonly files: ReadonlyMap<string, OwnBytes>;
  /** What was done, and what the format leaves to its reader, in words. */
  readonly notes: readonly string[];
  /** For a state dictionary: what the code of `forward` has to do besides calling the modules one after the other. */
  readonly forward: readonly string[];
}

/** What is done to the weights on the way, for people. Ours and PyTorch's are the same. */
const reordered = (cell: "lstm" | "gru", to: Framework): string =>
  `${cell.toUpperCase()}s go from ${gateOrder[cell].pytorch!.join(", ")} to ${gateOrder[cell][to]!.join(", ")}`;
const orders: Readonly<Partial<Record<Target, string>>> = {
  onnx: `gates of ${reordered("lstm", "onnx")}, of ${reordered("gru", "onnx")}; cells that no operator of ONNX computes are scans (Scan) with their equations`,
  ...Object.fromEntries(
    ["keras", "keras-h5", "tfjs"].map((to) => [
      to,
      `matrices are transposed; gates of ${reordered("gru", "keras")}; two biases are added where only their sum counts`,
    ]),
  ),
};

/**
 * Converts what `readModel` read to another format. The function stays the same, or the conversion is refused with the reason.
 * @throws UsageError "not-convertible"
 */
export function convertModel(given: NamedContent, options: ConvertOptions): Converted {
  expectOptions("convertModel", options, { to: "required", weightsOnly: 1, weightsFile: 1, lengths: 1 });
  const { to, weightsFile } = options;
  const file = asWritten(given, options);
  const padding = file === given ? (takesLengths(file) ? [WITH_LENGTHS] : []) : [WITHOUT_PADDING];
  const made = (bytes: OwnBytes, files: Converted["files"] = new Map()): Converted => ({
    ...{ to, bytes, files, forward: [] },
    notes: [...(orders[to] && file.content.kind !== "graph" ? [orders[to]] : []), ...padding],
  });
  if (to === "onnx") return made(toOnnx(file));
  if (to === "keras") return made(writeKeras(layersOf(file)));
  if (to === "keras-h5") return made(writeKerasH5(layersOf(file)));
  if (to === "tfjs") {
    const { "model.json": bytes, ...files } = Object.fromEntries(writeTensorFlowJs(layersOf(file), { weightsFile }));
    return made(bytes!, new Map(Object.entries(files)));
  }
  const { tensors, notes, forward } = weightsFor(file, { ...options, to });
  return { ...made(containers[to](tensors)), notes: [...notes, ...padding], forward };
}

const takesLengths = ({ content }: NamedContent): boolean =>
  content.kind === "network" && content.network.inputs.some(({ optional }) => optional);
const WITH_LENGTHS =
  "lengths say how many steps of each sequence count, what stands behind them is padding; --no-lengths (lengths: false) writes a file without them";
const WITHOUT_PADDING = "padding is no part of the file: sequences of one length are one batch";

/** A model in the form in which it is written: without lengths as an input where the format has none, or they are not wanted. */
export function asWritten<F extends NamedContent>(file: F, { to, lengths = true }: ConvertOptions): F {
  if (file.content.kind !== "network" || (to === "onnx" && lengths)) return file;
  const { network } = file.content;
  const whole = wholeSequences(network);
  return whole === network ? file : { ...file, content: { ...file.content, network: whole } };
}

/** What a file of named tensors holds of a model, and what is to be said about it. Errors as `convertModel`. */
export function weightsFor(
  { content, name }: NamedContent,
  { to, weightsOnly = false }: ConvertOptions & { readonly to: Container },
): { readonly tensors: ReadonlyMap<string, SafeTensor> } & Pick<Converted, "notes" | "forward"> {
  const ofNetwork = (network: CanonicalModel) => {
    const { tensors, forward, training } = stateDictOf(network, { weightsOnly });
    return { tensors: asFile(tensors), forward, notes: training };
  };
  switch (content.kind) {
    case "network":
      return ofNetwork(content.network);
    case "text": {
      const { text } = content;
      const { notes, ...rest } =
        to === "pytorch" ? ofNetwork(networkOfText(text)) : { tensors: asFile(text.weights), forward: [], notes: [] };
      return { ...rest, notes: ["the vocabulary is not part of this file", ...notes] };
    }
    case "graph":
      if (!weightsOnly)
        throw new UsageError(
          "not-convertible",
          `${name}: an ONNX graph is operators, not layers, and this format holds weights alone; say that these are enough (--weights-only)`,
        );
      return {
        tensors: asFile(content.weights ?? learnedTensors(content.graph.graph)),
        ...{ forward: [], notes: ["weights under the names of the graph; the graph is left out"] },
      };
    case "weights":
      return { tensors: content.tensors, forward: [], notes: [] };
  }
}

/** Formats that hold named tensors and nothing else. */
export const CONTAINERS = ["pytorch", "safetensors", "npz"] as const satisfies readonly Target[];
export type Container = (typeof CONTAINERS)[number];

const containers: Readonly<Record<Container, (tensors: ReadonlyMap<string, SafeTensor>) => OwnBytes>> = {
  pytorch: writePyTorch,
  safetensors: (tensors) => writeSafetensors(tensors, { metadata: { format: "pt" } }),
  npz: writeNpz,
};

const asFile = (tensors: ReadonlyMap<string, NamedTensor>): Map<string, SafeTensor> =>
  new Map(
    [...tensors].map(([name, { shape, data }]) => [
      name,
      safeTensor(data instanceof Float64Array && !fitsFloat32(data) ? "F64" : "F32", shape, data),
    ]),
  );

/** Numbers that were float32 in the file come as float64 from some readers. */
const fitsFloat32 = (data: Float64Array): boolean => data.every((value) => Object.is(Math.fround(value), value));

function toOnnx({ content, name }: NamedContent): OwnBytes {
  switch (content.kind) {
    case "graph":
      return rewriteOnnx(content);
    case "network":
      return writeNetworkOnnx(content.network);
    case "text":
      return writeOnnx(content.text.model, content.text.weights);
    case "weights":
      throw new UsageError("not-convertible", `${name}: ${content.why}`);
  }
}

/** @throws UsageError "not-convertible" where a file does not hold layers */
function layersOf({ content, name }: NamedContent): CanonicalModel {
  switch (content.kind) {
    case "network":
      return content.network;
    case "text":
      return networkOfText(content.text);
    case "graph":
      throw new UsageError(
        "not-convertible",
        `${name}: an ONNX graph is operators, not layers, and this format holds layers; it can be run, trained and written as ONNX`,
      );
    case "weights":
      throw new UsageError("not-convertible", `${name}: ${content.why}`);
  }
}

/** A language model as layers. @throws UsageError "not-convertible" for cells that no format of layers has */
export function networkOfText({ model, weights }: LoadedText): CanonicalModel {
  const { cell, tied } = model.config;
  if (cell.custom || !["rnn", "lstm", "gru"].includes(cell.name))
    throw new UsageError("not-convertible", `this format has no ${unknownCell(cell)}${ONNX_HAS_IT}`);
  const all = new Map(weights);
  if (tied) all.set("head.weight", weights.get("embedding.weight")!);
  // In the order of the layers, which the file of a run does not keep.
  const order = ["embedding", "rnn", "head"];
  const sorted = [...all].sort(([a], [b]) => order.indexOf(a.split(".")[0]!) - order.indexOf(b.split(".")[0]!));
  const tensors = new Map(sorted.map(([name, { shape, data }]) => [name, safeTensor("F64", shape, data)]));
  return networkOfStateDict(tensors, { cell }).network;
}

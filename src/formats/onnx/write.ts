import type { CellSpec } from "../../cells/registry.ts";
import type { Recurrent } from "../../layers/recurrent.ts";
import { LanguageModel } from "../../models/language-model.ts";
import { expectShape, UsageError } from "../../shared/errors.ts";
import { expectOptions } from "../../shared/options.ts";
import type { OwnBytes } from "../../shared/own-bytes.ts";
import { namedParameters } from "../../tensor/parameter.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { GraphWriter } from "./graph-writer.ts";
import { writeRecurrent } from "./write-recurrent.ts";

/** Options of `writeOnnx`. */
export interface WriteOnnxOptions {
  /**
   * How the cell was made, so that an RNN, LSTM or GRU whose activations or clip are not the usual ones becomes an operator of ONNX, too. A
   * language model knows it itself.
   */
  readonly cell?: CellSpec | undefined;
}

/**
 * A model as one ONNX file (operator set 17) with dynamic batch and time; states are inputs and outputs, so that a sequence
 * can be continued. Numbers are written as float32. A cell becomes ONNX' RNN, LSTM or GRU where that computes the same; any other, one of
 * your own included, a `Scan` with the cell's equations as its body. Dropout is left out, zoneout is what it is on average.
 *
 * A `LanguageModel` reads `tokens` int64 [time, batch] and gives `logits` [time, batch, V]; a `Recurrent` reads `input`
 * [time, batch, D] ([batch, time, D] with `batchFirst`) and gives `output`. State `h` [L·directions, batch, H|P] comes
 * back as `h_out`, `c` as `c_out`.
 *
 * @param tensors the parameters by name, as `ParameterStore.toTensors()` gives them
 * @example
 * ```ts
 * const bytes = writeOnnx(model, await parameters.toTensors());
 * ```
 * @throws UsageError "not-convertible" where `cell` says another cell than the model's, or the graph needs the name of a state itself;
 *   "missing-parameter"
 */
export function writeOnnx(
  model: LanguageModel | Recurrent,
  tensors: ReadonlyMap<string, NamedTensor>,
  options: WriteOnnxOptions = {},
): OwnBytes {
  expectOptions("writeOnnx", options, { cell: 1 });
  for (const [name, { shape }] of namedParameters(model)) {
    const given = tensors.get(name);
    if (!given) throw new UsageError("missing-parameter", `tensors: parameter "${name}" is missing`);
    expectShape(`tensors: "${name}"`, given.shape, shape);
  }
  const graph = new GraphWriter();
  const tensor = (name: string): NamedTensor => tensors.get(name)!;
  if (model instanceof LanguageModel) {
    const { rnn } = model.parts;
    const { vocabularySize, cell: spec, tied } = model.config;
    graph.input("tokens", "int64", ["time", "batch"]);
    graph.output("logits", "float32", ["time", "batch", vocabularySize]);
    graph.float("embedding.weight", tensor("embedding.weight"));
    graph.node("Gather", ["embedding.weight", "tokens"], ["embedded"]);
    const cell = options.cell ?? (spec.custom || !spec.options ? undefined : spec);
    const output = writeRecurrent(graph, rnn, { input: "embedded", prefix: "rnn.", tensor, cell });
    if (!tied) graph.float("head.weight", tensor("head.weight"));
    graph.float("head.bias", tensor("head.bias"));
    graph.node("Transpose", [tied ? "embedding.weight" : "head.weight"], ["head.matrix"], { perm: [1, 0] });
    graph.node("MatMul", [output, "head.matrix"], ["head.product"]);
    graph.node("Add", ["head.product", "head.bias"], ["logits"]);
    return graph.finish("language-model");
  }
  const { batchFirst, inputSize, bidirectional } = model.options;
  const steps = batchFirst ? ["batch", "time"] : ["time", "batch"];
  graph.input("input", "float32", [...steps, inputSize]);
  graph.output("output", "float32", [...steps, model.outputSize * (bidirectional ? 2 : 1)]);
  if (batchFirst) graph.node("Transpose", ["input"], ["input.by-time"], { perm: [1, 0, 2] });
  const output = writeRecurrent(graph, model, {
    ...{ input: batchFirst ? "input.by-time" : "input", prefix: "", tensor, cell: options.cell },
  });
  if (batchFirst) graph.node("Transpose", [output], ["output"], { perm: [1, 0, 2] });
  else graph.node("Identity", [output], ["output"]);
  return graph.finish("recurrent");
}

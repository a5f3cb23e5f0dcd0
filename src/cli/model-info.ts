import { cellOfSpec, isInWords } from "../cells/cell-of-spec.ts";
import { cellText } from "../cells/cell-text.ts";
import type { CellSpec } from "../cells/registry.ts";
import type { LayerSpec } from "../formats/canonical.ts";
import { convertModel, TARGETS } from "../formats/convert.ts";
import { countWeights } from "../formats/count-weights.ts";
import type { ModelFile } from "../formats/model-file.ts";
import { isGraph, type OnnxGraph, type OnnxNode } from "../formats/onnx/model.ts";
import { runnableOf } from "../formats/open.ts";
import { readModel } from "../formats/read-model.ts";
import { type ModelPort, type Runnable, withoutStates } from "../formats/runnable.ts";
import { LongshortError } from "../shared/errors.ts";
import { formatShape } from "../shared/shapes.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import { integer, oneLine } from "./format.ts";

/** What there is to say about a model file, for people and as JSON. */
interface ModelInfo {
  readonly format: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly states: readonly string[];
  readonly layers: readonly string[];
  readonly parameters: number;
  readonly conventions: readonly string[];
  /** Why it cannot be run, where it cannot. */
  readonly notRun?: string;
  /** Format → "yes", or why not. */
  readonly converts: Readonly<Record<string, string>>;
}

/** The shape of an output that only a run shows is left out. */
const portText = ({ name, type, shape }: ModelPort): string =>
  `${name}: ${type ?? "float32"}${shape ? ` ${formatShape(shape.map((n) => n ?? "?"))}` : ""}`;

/** Inputs, outputs and the states that go from the one to the other, each said once. */
function portsOf(model: Runnable): Pick<ModelInfo, "inputs" | "outputs" | "states"> {
  const { inputs, outputs } = withoutStates(model);
  const port = (name: string): ModelPort => model.inputs.find((one) => one.name === name)!;
  return {
    inputs: inputs.map(portText),
    outputs: outputs.map(portText),
    states: model.states.map(({ input, output }) => portText({ ...port(input), name: `${input} → ${output}` })),
  };
}

/** Describes a file of any format: what it holds, how it was read, what it can become. Nothing is run. */
function modelInfo(file: ModelFile): ModelInfo {
  const runnable = attempt(file, () => runnableOf(file));
  return {
    format: file.format,
    ...(typeof runnable === "object" ? portsOf(runnable) : { inputs: [], outputs: [], states: [] }),
    layers: layersOf(file),
    parameters: countWeights(file),
    conventions: file.conventions,
    ...(typeof runnable === "string" && { notRun: runnable }),
    converts: Object.fromEntries(
      TARGETS.map((to) => {
        const made = attempt(file, () => convertModel(file, { to }));
        return [to, typeof made === "string" ? made : "yes"];
      }),
    ),
  };
}

/** The result, or why there is none, without the name of the file. */
function attempt<T extends object>({ name }: ModelFile, make: () => T): T | string {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof LongshortError)) throw error;
    return error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message;
  }
}

const shapesUnder = (tensors: ReadonlyMap<string, NamedTensor>, prefix: string): string =>
  [...tensors]
    .filter(([name]) => name.startsWith(`${prefix}.`))
    .map(([name, { shape }]) => `${name.slice(prefix.length + 1)} ${formatShape(shape)}`)
    .join(", ");

function layersOf(file: ModelFile): string[] {
  const { content } = file;
  switch (content.kind) {
    case "network":
      return [...content.network.layers].map(
        ([name, spec]) => `${name}: ${kindOf(spec)}${suffix(shapesUnder(content.network.weights, name))}`,
      );
    case "text":
      return Object.keys(content.text.model.parts).map(
        (name) => `${name}${suffix(shapesUnder(content.text.weights, name))}`,
      );
    case "graph": {
      const counts = new Map<string, number>();
      const nodes = nodesOf(content.graph.graph);
      for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
      const recurrent = nodes.filter(({ op }) => ["RNN", "GRU", "LSTM"].includes(op));
      return [
        `operator set ${content.graph.opset}${content.graph.producer ? `, made by ${content.graph.producer}` : ""}`,
        [...counts].map(([op, count]) => (count === 1 ? op : `${op} × ${count}`)).join(", "),
        ...recurrent.map(
          ({ name, op, attributes }) =>
            `${name}: ${op}, ${attributes.get("hidden_size") ?? "?"} units, ${attributes.get("direction") ?? "forward"}`,
        ),
        ...nodes.flatMap(scanText),
      ];
    }
    case "weights":
      return [...content.tensors].map(([name, { dtype, shape }]) => `${name}: ${dtype} ${formatShape(shape)}`);
  }
}

/** A scan with its states: `rnn/scan: Scan, previous.h [batch, 16], forward`. */
function scanText({ name, op, inputs, attributes }: OnnxNode): string[] {
  const body = attributes.get("body");
  if (op !== "Scan" || !isGraph(body)) return [];
  const count = inputs.length - Number(attributes.get("num_scan_inputs") ?? 0);
  const states = body.inputs.slice(0, count).map((port) => portText(port));
  const directions = attributes.get("scan_input_directions");
  const reverse = Array.isArray(directions) && directions.includes(1);
  return [`${name}: Scan with ${states.join(", ")}, ${reverse ? "reverse" : "forward"}`];
}

/** Those of branches and loops as well. */
const nodesOf = ({ nodes }: OnnxGraph): OnnxNode[] =>
  nodes.flatMap((node) => [
    node,
    ...[...node.attributes.values()].flatMap((value) =>
      typeof value === "object" && "nodes" in value ? nodesOf(value) : [],
    ),
  ]);

const suffix = (text: string): string => (text === "" ? "" : ` (${text})`);

function kindOf(spec: LayerSpec): string {
  if (spec.kind === "recurrent")
    return isInWords(spec.cell) ? ownCell(spec.cell) : `${spec.cell.name}${options(spec.cell.options)}`;
  if (spec.kind === "bidirectional") return `bidirectional ${kindOf(spec.forward)}, ${spec.merge}`;
  if (spec.kind === "time-distributed") return `${kindOf(spec.layer)}, each step`;
  if ((spec.kind === "dense" || spec.kind === "convolution") && spec.activation.name !== "identity")
    return `${spec.kind}, ${spec.activation.name}`;
  return spec.kind;
}

/** The equations of a cell of one's own, in one line. */
const ownCell = (cell: CellSpec): string => `own cell: ${oneLine(cellText(cellOfSpec(cell)))}`;

/** What every cell has unless something else is said. */
const USUAL: Readonly<Record<string, string>> = {
  ...{ gate: "sigmoid", candidate: "tanh", output: "tanh", activation: "tanh" },
};

/** Options of a cell that are not the usual ones: ", gate hardSigmoid (alpha 0.2, beta 0.5), peephole". */
const options = (given: Readonly<Record<string, unknown>> = {}): string =>
  Object.entries(given)
    .map(([name, value]) => {
      if (name === "resetAfter") return `, reset ${value === true ? "after" : "before"} the product`;
      if (value === true) return `, ${name}`;
      const { name: of, ...constants } = typeof value === "object" ? (value as { name: string }) : { name: value };
      const said = Object.entries(constants).map(([constant, number]) => `${constant} ${number}`);
      if (said.length === 0 && of === USUAL[name]) return "";
      return `, ${name} ${of}${said.length > 0 ? ` (${said.join(", ")})` : ""}`;
    })
    .join("");

/** The lines that `longshort info FILE` prints. */
function modelInfoText(name: string, info: ModelInfo): string {
  const lines = [`${name}: ${info.format}, ${integer(info.parameters)} numbers`];
  const part = (title: string, items: readonly string[]): void => {
    if (items.length > 0) lines.push(`${title}:`, ...items.map((item) => `  ${item}`));
  };
  part("inputs", info.inputs);
  part("outputs", info.outputs);
  part("states (zero where not given)", info.states);
  part("layers", info.layers);
  part("how it was read", info.conventions);
  part("cannot be run", info.notRun === undefined ? [] : [info.notRun]);
  // One line for all formats that are refused for one reason.
  const byReason = new Map<string, string[]>();
  for (const [to, why] of Object.entries(info.converts)) byReason.set(why, [...(byReason.get(why) ?? []), to]);
  const { yes, ...refused } = Object.fromEntries(byReason);
  part("converts to", yes ? [yes.join(", ")] : []);
  part(
    "does not convert to",
    Object.entries(refused).map(
      ([why, formats]) => `${formats.join(", ")}: ${why === info.notRun ? "for this reason" : why}`,
    ),
  );
  return `${lines.join("\n")}\n`;
}

/** What there is to say of a model file of any format, as text and as one JSON object. */
export async function modelFileInfo(path: string): Promise<{ readonly text: string; readonly json: object }> {
  const info = modelInfo(await readModel(path));
  return { text: modelInfoText(path, info), json: { type: "model", ...info } };
}

import type { ModelPort, StatePair } from "../runnable.ts";
import type { OnnxGraph, OnnxNode } from "./model.ts";

/** How exporters call the output that continues a state: "state" → "stateN", "h0" → "hn", "h" → "h_out". */
const rules: readonly ((input: string) => readonly string[])[] = [
  (name) => ["_out", "_output", "_n", "N", "n", "_next"].map((ending) => name + ending),
  (name) => (/0$/.test(name) ? ["n", "_n", "N"].map((ending) => name.slice(0, -1) + ending) : []),
  (name) => (/_?in$/.test(name) ? [name.replace(/in$/, "out")] : []),
  (name) => (/^(in|input)_/.test(name) ? [name.replace(/^in/, "out"), name.replace(/^(in|input)_/, "output_")] : []),
  (name) => [`new_${name}`, `next_${name}`, `out_${name}`, `output_${name}`],
];

/**
 * Which inputs of a graph carry on what an output said. A file does not say it: names decide, and where one float input besides the
 * first is left over and one output besides the first has its fixed shape, these two.
 */
export function statePairs(inputs: readonly ModelPort[], outputs: readonly ModelPort[]): StatePair[] {
  const pairs: StatePair[] = [];
  const free = (port: ModelPort): boolean => !pairs.some((p) => p.input === port.name || p.output === port.name);
  for (const input of inputs) {
    const names = rules.flatMap((rule) => rule(input.name));
    const output = outputs.find((o) => free(o) && names.includes(o.name) && alike(input, o));
    if (output) pairs.push({ input: input.name, output: output.name });
  }
  const rest = inputs.slice(1).filter((port) => free(port) && port.type === "float32");
  for (const input of rest) {
    const fitting = outputs.slice(1).filter((o) => free(o) && fixed(input) && fixed(o) && alike(input, o));
    const rivals = rest.filter((other) => free(other) && alike(input, other));
    if (fitting.length === 1 && rivals.length === 1) pairs.push({ input: input.name, output: fitting[0]!.name });
  }
  return pairs;
}

/** Operators that hand numbers on as they are. */
const MOVERS: readonly string[] = [
  ...["Identity", "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze"],
  ...["Slice", "Split", "Gather", "Concat", "Expand"],
];
const RECURRENT: readonly string[] = ["RNN", "GRU", "LSTM", "DynamicQuantizeLSTM"];

/** What a node starts from that goes from the end to the beginning, in both directions too. */
function backwardStates({ op, inputs, attributes }: OnnxNode): readonly string[] {
  // Initial h and c.
  if (RECURRENT.includes(op)) return (attributes.get("direction") ?? "forward") === "forward" ? [] : inputs.slice(5, 7);
  const directions = attributes.get("scan_input_directions");
  const backward = op === "Scan" && Array.isArray(directions) && directions.includes(1);
  return backward ? inputs.slice(0, inputs.length - Number(attributes.get("num_scan_inputs"))) : [];
}

/** Whether a layer that reads from the end to the beginning, in both directions too, starts from this input. */
export function startsBackward({ nodes }: OnnxGraph, input: string): boolean {
  const moved = new Set([input]);
  return nodes.some((node) => {
    const { op, inputs, outputs } = node;
    const starts = backwardStates(node).some((name) => moved.has(name));
    if (MOVERS.includes(op) && inputs.some((name) => moved.has(name))) for (const name of outputs) moved.add(name);
    return starts;
  });
}

const fixed = ({ shape }: ModelPort): boolean => shape?.every((n) => typeof n === "number") ?? false;

/** Of one type, and of one shape as far as both say it. */
function alike(a: ModelPort, b: ModelPort): boolean {
  if (a.type !== b.type || a.type !== "float32") return false;
  if (!a.shape || !b.shape) return true;
  return (
    a.shape.length === b.shape.length &&
    a.shape.every((n, axis) => typeof n !== "number" || typeof b.shape![axis] !== "number" || n === b.shape![axis])
  );
}

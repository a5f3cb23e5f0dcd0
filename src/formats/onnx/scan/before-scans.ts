import { isGraph, type OnnxGraph, type OnnxNode } from "../model.ts";

/** Operators on each vector alone, whatever the axes before the last. */
const ON_VECTORS: ReadonlySet<string> = new Set([
  ...["Identity", "Cast", "Split", "MatMul", "ReduceMean", "ReduceSum", "Mean", "Sum", "Expand", "Where", "Clip"],
  ...["Add", "Sub", "Mul", "Div", "Neg", "Min", "Max", "Abs", "Sqrt", "Exp", "Log", "Pow", "Reciprocal", "Erf"],
  ...["Sigmoid", "Tanh", "Relu", "LeakyRelu", "Elu", "HardSigmoid", "Softplus", "Softsign", "Less", "LessOrEqual"],
  ...["Equal", "Greater", "GreaterOrEqual", "Not"],
]);

/** What computes the inputs of a scan from a product with a matrix of the file on, and is read by nothing else. */
export interface BeforeScan {
  /** In their order. */
  readonly nodes: readonly OnnxNode[];
  /** What the first of them multiply. */
  readonly read: readonly string[];
}

/**
 * For each scan of a graph the nodes before it that can be part of its equations: exporters take the product of all steps with the input
 * matrix out of the body, and what follows from it alone.
 */
export function beforeScans(graph: OnnxGraph): ReadonlyMap<OnnxNode, BeforeScan> {
  const scans = graph.nodes.filter(({ op }) => op === "Scan");
  if (scans.length === 0) return new Map();
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = readersOf(graph);
  const fixed = fixedValues(graph);
  return new Map(
    scans.flatMap((scan) => {
      const found = new Set<OnnxNode>();
      const read = new Set<string>();
      const count = Number(scan.attributes.get("num_scan_inputs") ?? 0);
      const scanned = scan.inputs.slice(-count);
      /** Whether a value is made of such products; notes what makes it. */
      const isMade = (name: string): boolean => {
        const node = makers.get(name);
        if (!node || !ON_VECTORS.has(node.op) || fixed.has(name)) return false;
        if (node.op === "MatMul") {
          if (!fixed.has(node.inputs[1]!) || fixed.has(node.inputs[0]!)) return false;
          read.add(node.inputs[0]!);
        } else if (!node.inputs.every((input) => input === "" || fixed.has(input) || isMade(input))) return false;
        found.add(node);
        return true;
      };
      if (!scanned.map(isMade).includes(true)) return [];
      const outside = [...found].some((node) =>
        node.outputs.some((name) =>
          (readers.get(name) ?? []).some((reader) => reader !== scan && !(reader && found.has(reader))),
        ),
      );
      const asState = scan.inputs.slice(0, -count).some((name) => found.has(makers.get(name)!));
      if (outside || asState) return [];
      return [[scan, { nodes: graph.nodes.filter((node) => found.has(node)), read: [...read] }] as const];
    }),
  );
}

/** The nodes that read a value; undefined stands for an output of the graph, or a graph inside it. */
function readersOf(graph: OnnxGraph): ReadonlyMap<string, readonly (OnnxNode | undefined)[]> {
  const readers = new Map<string, (OnnxNode | undefined)[]>();
  const note = (name: string, reader: OnnxNode | undefined): void => {
    readers.set(name, [...(readers.get(name) ?? []), reader]);
  };
  const inside = ({ nodes, outputs }: OnnxGraph): void => {
    for (const { name } of outputs) note(name, undefined);
    for (const node of nodes) {
      for (const name of node.inputs) note(name, undefined);
      for (const value of node.attributes.values()) if (isGraph(value)) inside(value);
    }
  };
  for (const { name } of graph.outputs) note(name, undefined);
  for (const node of graph.nodes) {
    for (const name of node.inputs) note(name, node);
    for (const value of node.attributes.values()) if (isGraph(value)) inside(value);
  }
  return readers;
}

/** Values that follow from the file alone. */
function fixedValues({ initializers, nodes }: OnnxGraph): ReadonlySet<string> {
  const fixed = new Set(initializers.keys());
  for (const { op, inputs, outputs } of nodes)
    if (op === "Constant" || (ON_VECTORS.has(op) && inputs.length > 0 && inputs.every((name) => fixed.has(name))))
      for (const name of outputs) fixed.add(name);
  return fixed;
}

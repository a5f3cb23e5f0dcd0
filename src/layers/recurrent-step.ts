import type { Cell } from "../cells/define.ts";
import type { Range } from "../compute/plan.ts";
import { type AnyNode, add, type Expression, inOrder, mul, rewrite, variable } from "../math/expression.ts";
import { recurrentGates, sizeOf, widthOf } from "../scan/widths.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import { project, reshape } from "../tensor/operations.ts";
import { rangeFrom } from "../tensor/range.ts";
import type { Direction, LayerOptions, LayerResult } from "./recurrent-scan.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** Rows [B, width] of numbers somewhere: of a tensor, columns of a wider one, or one row or column that is repeated. */
interface Rows {
  readonly range: Range;
  readonly strides: readonly [row: number, column: number];
}

/**
 * A layer step by step, each made of products and pointwise launches: for weights that a scan cannot read. The equations are the cell's;
 * what mixes units (products, means) is taken out of them, level by level. Without gradients, masks of steps and traces.
 */
export function stepLayer(
  o: LayerOptions,
  directions: readonly Direction[],
  x: Tensor,
  initial: readonly Tensors[],
): LayerResult {
  const { graph } = x;
  const { cell } = o;
  const [T, B] = x.shape as [number, number];
  const width = sizeOf(cell.states[0]!.width, o);
  const first = cell.states[0]!.name;
  // A single step in one direction is the state after it, which lies in its place already.
  const output = T * directions.length === 1 ? undefined : graph.empty([T, B, width * directions.length]);
  const results = directions.map((direction, k) => {
    const step = new Step(o, direction, graph, B);
    const inputs = project(reshape(x, [T * B, direction.inputSize]), direction.parameters.weight_ih!, {
      bias: direction.parameters.bias_ih,
    });
    let states: Record<string, Rows> = Object.fromEntries(
      cell.states.map((s) => [s.name, { range: initial[k]![s.name]!.range, strides: [sizeOf(s.width, o), 1] }]),
    );
    for (let n = 0; n < T; n++) {
      const t = direction.reverse ? T - 1 - n : n;
      states = step.take(inputs, t, states);
      if (output)
        copyRows(graph, [B, width], states[first]!, {
          range: rangeFrom(output.range, (t * B * directions.length + k) * width),
          strides: [width * directions.length, 1],
        });
    }
    const final = Object.fromEntries(
      cell.states.map((s) => [s.name, graph.tensor([1, B, sizeOf(s.width, o)], states[s.name]!.range)]),
    );
    return { final, traced: {} };
  });
  return { output: output ?? results[0]!.final[first]!, directions: results };
}

function copyRows(graph: Graph, shape: readonly [number, number], from: Rows, to: Rows): void {
  const outputs = { out: { value: variable("from"), strides: to.strides } };
  graph.launch(
    { op: "pointwise", shape, inputs: { from: from.strides }, outputs },
    { from: from.range, out: to.range },
  );
}

/** Records single steps of one direction. */
class Step {
  private readonly o: LayerOptions;
  private readonly cell: Cell;
  private readonly direction: Direction;
  private readonly graph: Graph;
  private readonly batch: number;
  /** Products and means, each after what it is made of. */
  private readonly mixing: readonly Expression[];

  constructor(o: LayerOptions, direction: Direction, graph: Graph, batch: number) {
    this.o = o;
    this.cell = o.cell;
    this.direction = direction;
    this.graph = graph;
    this.batch = batch;
    this.mixing = inOrder(Object.values(o.cell.next)).filter(
      (n): n is Expression => n.op === "product" || n.op === "mean",
    );
  }

  private size(node: AnyNode): number {
    return sizeOf(widthOf(this.cell, node), this.o);
  }

  /** From the input parts of all gates and steps [T·B, G·H] and the states to the states after step t. */
  take(inputs: Tensor, t: number, states: Readonly<Record<string, Rows>>): Record<string, Rows> {
    const { cell, o, batch: B } = this;
    const gates = inputs.shape[1]!;
    const leaves = new Map<string, Rows>();
    cell.gates.forEach((gate, g) => {
      const range = rangeFrom(inputs.range, t * B * gates + g * o.hiddenSize);
      leaves.set(`x.${gate.name}`, { range, strides: [gates, 1] });
    });
    for (const [name, rows] of Object.entries(states)) leaves.set(`previous.${name}`, rows);
    for (const name of Object.keys(cell.weights))
      leaves.set(`weight.${name}`, {
        range: this.graph.parameter(this.direction.parameters[`weight.${name}`]!).range,
        strides: [0, 1],
      });
    const found = new Map<AnyNode, Expression>();
    const withFound = (values: readonly Expression[]): Expression[] => rewrite(values, (n) => found.get(n));
    const say = (node: AnyNode, rows: Rows, factor = 1): void => {
      const name = `mixed.${leaves.size}`;
      leaves.set(name, rows);
      found.set(node, mul(factor, variable(name)));
    };
    for (const node of this.mixing) {
      if (found.has(node)) continue;
      const args = withFound(node.args as readonly Expression[]);
      if (node.op === "mean")
        say(node, this.sum(args, this.size(node.args[0]!), leaves), 1 / (this.size(node.args[0]!) * args.length));
      else for (const [one, rows] of this.products(node, args[0]!, leaves)) say(one, rows);
    }
    const next: Record<string, Rows> = {};
    for (const width of ["hidden", "projection"] as const) {
      const here = cell.states.filter((s) => s.width === width);
      const values = withFound(here.map((s) => cell.next[s.name]!));
      const made = this.pointwise(values, sizeOf(width, o), leaves);
      here.forEach((s, k) => {
        next[s.name] = made[k]!;
      });
    }
    return next;
  }

  /** Inputs of a launch: the strides and ranges of the variables that are read. */
  private reads(values: readonly Expression[], leaves: ReadonlyMap<string, Rows>) {
    const names = inOrder(values).flatMap((n) => (n.op === "variable" ? [n.name] : []));
    const all = names.map((name) => [name, leaves.get(name)!] as const);
    return {
      inputs: Object.fromEntries(all.map(([name, { strides }]) => [name, strides])),
      ranges: Object.fromEntries(all.map(([name, { range }]) => [name, range])),
    };
  }

  /** Values over [B, size], dense, in one launch. */
  private pointwise(values: readonly Expression[], size: number, leaves: ReadonlyMap<string, Rows>): Rows[] {
    if (values.length === 0) return [];
    const { graph, batch: B } = this;
    const { inputs, ranges } = this.reads(values, leaves);
    const made = values.map((): Rows => ({ range: graph.empty([B, size]).range, strides: [size, 1] }));
    graph.launch(
      {
        ...{ op: "pointwise", shape: [B, size], inputs },
        outputs: Object.fromEntries(values.map((value, k) => [`out.${k}`, { value, strides: [size, 1] }])),
      },
      { ...ranges, ...Object.fromEntries(made.map(({ range }, k) => [`out.${k}`, range])) },
    );
    return made;
  }

  /** Sums of the values over all units, one number an example. */
  private sum(values: readonly Expression[], size: number, leaves: ReadonlyMap<string, Rows>): Rows {
    const { graph, batch: B } = this;
    const { inputs, ranges } = this.reads(values, leaves);
    const { range } = graph.empty([B]);
    const value = values.reduce((a, b) => add(a, b));
    graph.launch(
      { op: "reduce", shape: [B, size], inputs, value, combine: "sum", over: [false, true] },
      { ...ranges, out: range },
    );
    return { range, strides: [1, 0] };
  }

  /** A product and, of the same vector, those beside it in `weight_hh`: they are one. */
  private products(node: Expression, vector: Expression, leaves: ReadonlyMap<string, Rows>): [Expression, Rows][] {
    const { cell, o, direction, graph, batch: B } = this;
    const size = this.size(node.args[0]!);
    const dense = leaves.get(vector.name);
    const isThere = vector.op === "variable" && dense?.strides[0] === size && dense.strides[1] === 1;
    const { range } = isThere ? dense : this.pointwise([vector], size, leaves)[0]!;
    const operand = graph.tensor([B, size], { ...range, length: B * size });
    if (cell.projections.includes(node.name)) {
      const made = project(operand, direction.parameters[`projection.${node.name}`]!);
      return [[node, { range: made.range, strides: [made.shape[1]!, 1] }]];
    }
    const order = recurrentGates(cell);
    const H = o.hiddenSize;
    const beside = (k: number): Expression | undefined =>
      this.mixing.find((n) => n.op === "product" && n.name === order[k] && n.args[0] === node.args[0]);
    let from = order.indexOf(node.name);
    while (beside(from - 1)) from--;
    const together: Expression[] = [];
    for (let one = beside(from); one; one = beside(from + together.length)) together.push(one);
    const made = project(operand, direction.parameters.weight_hh!, {
      bias: direction.parameters.bias_hh,
      rows: [from * H, (from + together.length) * H],
    });
    return together.map((one, k) => [one, { range: rangeFrom(made.range, k * H), strides: [together.length * H, 1] }]);
  }
}

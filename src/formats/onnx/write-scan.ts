import { type Cell, partsOfVariable, variables, type Width } from "../../cells/define.ts";
import { type AnyNode, inOrder } from "../../math/expression.ts";
import { recurrentGates, type ScanSizes, sizeOf, widthOf } from "../../scan/widths.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { join } from "../join.ts";
import { transposed } from "../transposed.ts";
import { GraphWriter } from "./graph-writer.ts";
import { writeNodes } from "./write-expression.ts";

/** One layer in one direction. */
export interface ScanToWrite {
  /** Without masks: see `inferenceCell`. */
  readonly cell: Cell;
  readonly sizes: Omit<ScanSizes, "inputSize">;
  readonly reverse: boolean;
  /** Name of the input [T, B, D]. */
  readonly x: string;
  /** Names of the states before the first step, [B, W] each. One that is left out is zero. */
  readonly initial: readonly (string | undefined)[];
  /** Name of which steps count, bool [T, B, 1]: at the others states stay, and what is given out is 0. Undefined: all do. */
  readonly counts?: string | undefined;
  /** A parameter by its name without layer and direction: `weight_ih`, `bias_hh`, `weight_NAME`. */
  readonly tensor: (name: string) => NamedTensor;
  /** Makes a name in the graph of one within this layer and direction. */
  readonly name: (what: string) => string;
}

export interface WrittenScan {
  /** Name of the first state at all steps, [T, B, W]. */
  readonly steps: string;
  /** Names of all states behind the last step, [B, W] each. */
  readonly finals: readonly string[];
}

/** What a value changes with: nothing, the step of the input, or a state, which is known inside the scan alone. */
const [FIXED, STEP, STATE] = [0, 1, 2] as const;

/**
 * Prints a cell as ONNX' `Scan`: its equations are the nodes of the body. What they say of the input alone stands before the scan, for all
 * steps at once.
 */
export const writeScan = (graph: GraphWriter, scan: ScanToWrite): WrittenScan => new ScanWriter(graph, scan).write();

/** A graph, and the values that equations find in it. */
interface Scope {
  readonly graph: GraphWriter;
  readonly names: Map<AnyNode, string>;
}

class ScanWriter {
  private readonly scan: ScanToWrite;
  /** Of the node; what belongs to it alone has this before its name. */
  private readonly own: string;
  /** The graph around the scan, and its body, which sees what is fixed there. */
  private readonly outside: Scope;
  private readonly body: Scope = { graph: new GraphWriter(), names: new Map() };
  /** Nodes of all next states. */
  private readonly nodes: readonly AnyNode[];
  private readonly changes: ReadonlyMap<AnyNode, number>;
  private readonly full: ReadonlySet<AnyNode>;
  private readonly named: ReadonlyMap<AnyNode, string>;
  private readonly shapes = new Map<Width, string>();
  private count = 0;

  constructor(graph: GraphWriter, scan: ScanToWrite) {
    this.scan = scan;
    this.own = scan.name("scan");
    this.outside = { graph, names: new Map() };
    this.nodes = inOrder(Object.values(scan.cell.next));
    this.changes = changesOf(this.nodes);
    this.full = fullOnes(this.nodes);
    this.named = new Map(Object.entries(scan.cell.named).map(([name, node]) => [node, name]));
  }

  write(): WrittenScan {
    const { graph } = this.outside;
    const { cell, reverse, x, initial, counts } = this.scan;
    const { states } = cell;
    const before = states.map((state, k) => initial[k] ?? this.zeros(state.name, state.width));
    const scanned = this.writeBefore();
    this.writeBody(scanned);
    // A scan goes over something, be it something that nobody reads.
    const values = scanned.length > 0 ? scanned.map((node) => this.outside.names.get(node)!) : [x];
    const sources = counts === undefined ? values : [...values, counts];
    const steps = this.inside("steps");
    const finals = states.map((state) => this.inside(`final.${state.name}`));
    const attributes = {
      body: this.body.graph,
      num_scan_inputs: sources.length,
      ...(reverse && { scan_input_directions: sources.map(() => 1), scan_output_directions: [1] }),
    };
    graph.node("Scan", [...before, ...sources], [...finals, steps], attributes, "", this.own);
    return { steps, finals };
  }

  /** Prints what no state is part of, and returns what of it the body reads step by step. */
  private writeBefore(): readonly AnyNode[] {
    const { cell, tensor, name } = this.scan;
    const { graph, names } = this.outside;
    for (const [gate, value] of this.inputParts()) names.set(variables.input(gate), value);
    for (const weight of Object.keys(cell.weights))
      if (this.changes.has(variables.weight(weight)))
        names.set(variables.weight(weight), graph.float(name(`weight_${weight}`), tensor(`weight_${weight}`)));
    const read = new Set<AnyNode>(Object.values(cell.next));
    for (const node of this.nodes) if (this.isOfState(node)) for (const arg of node.args) read.add(arg);
    const roots = [...read].filter((node) => !this.isOfState(node));
    this.print(roots, this.outside);
    return roots.filter((node) => this.changes.get(node) === STEP);
  }

  /** `W x + b` of every gate at all steps, [T, B, H] each. */
  private inputParts(): ReadonlyMap<string, string> {
    const { cell, x, tensor, name } = this.scan;
    const { graph } = this.outside;
    const matrix = graph.float(name("weight_ih.transposed"), transposed(tensor("weight_ih")));
    const [product, sum] = [this.inside("input.product"), this.inside("input.sum")];
    graph.node("MatMul", [x, matrix], [product]);
    const bias = cell.bias === "both" ? graph.float(name("bias_ih"), tensor("bias_ih")) : undefined;
    if (bias) graph.node("Add", [product, bias], [sum]);
    const gates = cell.gates.map((gate) => gate.name);
    const parts = gates.map((gate) => this.inside(`x.${gate}`));
    split(graph, bias ? sum : product, parts);
    return new Map(gates.map((gate, k) => [gate, parts[k]!]));
  }

  private writeBody(scanned: readonly AnyNode[]): void {
    const { cell, sizes, counts } = this.scan;
    const { graph, names } = this.body;
    for (const [node, value] of this.outside.names) if (this.changes.get(node) === FIXED) names.set(node, value);
    const take = (node: AnyNode | undefined, what: string, size: number | string): void => {
      graph.input(what, "float32", ["batch", size]);
      if (node) names.set(node, what);
    };
    for (const state of cell.states)
      take(variables.previous(state.name), this.inside(`previous.${state.name}`), sizeOf(state.width, sizes));
    for (const node of scanned)
      take(node, `${this.outside.names.get(node)!}.now`, this.full.has(node) ? sizeOf(this.width(node), sizes) : 1);
    if (scanned.length === 0) take(undefined, this.inside("now"), "input");
    const counted = counts === undefined ? undefined : this.inside("counts");
    if (counted) graph.input(counted, "bool", ["batch", 1]);
    this.print(Object.values(cell.next), this.body);
    const given = new Set<string>();
    for (const { name: state, width } of cell.states) {
      const next = cell.next[state]!;
      const value = this.spread(next, width, this.body);
      // A body gives out what it computes itself, each value once.
      const own = !counted && this.isOfState(next) && next.op !== "variable" && !given.has(value);
      const end = own ? value : this.inside(`next.${state}`);
      if (counted) graph.node("Where", [counted, value, this.inside(`previous.${state}`)], [end]);
      else if (!own) graph.node("Identity", [value], [end]);
      given.add(end);
      graph.output(end, "float32", ["batch", sizeOf(width, sizes)]);
    }
    const first = [...given][0]!;
    if (counted) {
      const none = this.outside.graph.float(this.inside("none"), { shape: [], data: [0] });
      graph.node("Where", [counted, first, none], [this.inside("step")]);
    } else graph.node("Identity", [first], [this.inside("step")]);
    graph.output(this.inside("step"), "float32", ["batch", sizeOf(cell.states[0]!.width, sizes)]);
  }

  private print(roots: readonly AnyNode[], scope: Scope): void {
    writeNodes(roots, {
      ...scope,
      name: (node) => this.nameOf(node),
      mixing: (node) => (node.op === "mean" ? this.mean(node, scope) : this.product(node, scope)),
    });
  }

  private mean(node: AnyNode, scope: Scope): string {
    const own = this.nameOf(node);
    const parts = node.args.map((arg) => this.spread(arg, this.width(node), scope));
    if (parts.length > 1) scope.graph.node("Mean", parts, [`${own}-of`]);
    const all = parts.length > 1 ? `${own}-of` : parts[0]!;
    scope.graph.node("ReduceMean", [all], [own], { axes: [-1], keepdims: 1 });
    return own;
  }

  /** A matrix times a vector; gates that multiply the same one are one product. */
  private product(node: AnyNode, scope: Scope): string {
    const { cell, sizes, tensor, name } = this.scan;
    const operand = node.args[0]!;
    const vector = this.spread(operand, this.width(operand), scope);
    const write = (matrix: NamedTensor, bias: NamedTensor | undefined, part: string, result: string): void => {
      const held = (what: string, given: NamedTensor): string =>
        this.outside.graph.float(name(`${what}${part}`), given);
      const inputs = [vector, held("weight", matrix), ...(bias ? [held("bias", bias)] : [])];
      scope.graph.node("Gemm", inputs, [result], { transB: 1 });
    };
    if (cell.projections.includes(node.name)) {
      const own = this.nameOf(node);
      write(tensor(`weight_${node.name}`), undefined, `_${node.name}`, own);
      return own;
    }
    const gates = recurrentGates(cell);
    const alike = this.nodes.filter((n) => n.op === "product" && n.args[0] === operand && gates.includes(n.name));
    const blocks = alike.map((n) => gates.indexOf(n.name));
    const parts = alike.map((n) => this.nameOf(n));
    const part = alike.length === gates.length ? "_hh" : `_hh.${alike.map((n) => n.name).join(".")}`;
    const sum = alike.length === 1 ? parts[0]! : this.inside(`product${part}`);
    const bias = cell.bias === "both" ? rows(tensor("bias_hh"), blocks, sizes.hiddenSize) : undefined;
    write(rows(tensor("weight_hh"), blocks, sizes.hiddenSize), bias, part, sum);
    if (alike.length > 1) split(scope.graph, sum, parts);
    alike.forEach((n, k) => {
      scope.names.set(n, parts[k]!);
    });
    return scope.names.get(node)!;
  }

  /** The value of a node with all units of all examples, where it may be one number for several of them. */
  private spread(node: AnyNode, width: Width, { graph, names }: Scope): string {
    const value = names.get(node)!;
    if (this.full.has(node)) return value;
    const full = this.inside(`${this.count++}`);
    graph.node("Expand", [value, this.shapeOf(width)], [full]);
    return full;
  }

  private zeros(state: string, width: Width): string {
    const zeros = this.inside(`zeros.${state}`);
    this.outside.graph.node("ConstantOfShape", [this.shapeOf(width)], [zeros]);
    return zeros;
  }

  /** [B, W], from the shape of the input. */
  private shapeOf(width: Width): string {
    const known = this.shapes.get(width);
    if (known) return known;
    const { x, sizes } = this.scan;
    const { graph } = this.outside;
    const [batch, shape] = [this.inside(`${width}.batch`), this.inside(`${width}.shape`)];
    graph.node("Shape", [x], [batch], { start: 1, end: 2 });
    const units = graph.whole(this.inside(`${width}.units`), [sizeOf(width, sizes)]);
    graph.node("Concat", [batch, units], [shape], { axis: 0 });
    this.shapes.set(width, shape);
    return shape;
  }

  private isOfState(node: AnyNode): boolean {
    return this.changes.get(node) === STATE;
  }

  private width(node: AnyNode): Width {
    return widthOf(this.scan.cell, node);
  }

  private nameOf(node: AnyNode): string {
    const own = this.named.get(node);
    if (own !== undefined) return this.inside(`value/${own}`);
    return this.inside(node.op === "product" ? `u.${node.name}` : `${this.count++}`);
  }

  private inside(what: string): string {
    return `${this.own}/${what}`;
  }
}

function changesOf(nodes: readonly AnyNode[]): ReadonlyMap<AnyNode, number> {
  const changes = new Map<AnyNode, number>();
  for (const node of nodes) {
    const kind = node.op === "variable" ? partsOfVariable(node.name).kind : node.op;
    // Products are taken inside, whatever they multiply: there is one operator for all of them.
    const own = kind === "x" ? STEP : kind === "previous" || kind === "product" ? STATE : FIXED;
    changes.set(node, Math.max(own, ...node.args.map((arg) => changes.get(arg)!)));
  }
  return changes;
}

/** Values that have all units of all examples. A mean is one number an example, a weight one a unit. */
function fullOnes(nodes: readonly AnyNode[]): ReadonlySet<AnyNode> {
  const full = new Set<AnyNode>();
  for (const node of nodes) {
    const whole = node.op === "variable" ? partsOfVariable(node.name).kind !== "weight" : node.op === "product";
    if (whole || (node.op !== "mean" && node.args.some((arg) => full.has(arg)))) full.add(node);
  }
  return full;
}

/** Equal parts of the last axis. */
function split(graph: GraphWriter, value: string, parts: readonly string[]): void {
  if (parts.length > 1) graph.node("Split", [value], parts, { axis: -1 });
  else graph.node("Identity", [value], parts);
}

/** Blocks of so many rows. */
function rows({ shape, data }: NamedTensor, blocks: readonly number[], count: number): NamedTensor {
  const length = (data.length / shape[0]!) * count;
  const parts = blocks.map((k) => Array.prototype.slice.call(data, k * length, (k + 1) * length) as number[]);
  return { shape: [blocks.length * count, ...shape.slice(1)], data: join(parts, Float64Array) };
}

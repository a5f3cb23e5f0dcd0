import { type Cell, partsOfVariable, variables } from "../../../cells/define.ts";
import { type AnyNode, type Expression, inOrder, product, rewrite } from "../../../math/expression.ts";
import { recurrentWidth, sizeOf, widthsOf } from "../../../scan/widths.ts";
import { isHost } from "../../value.ts";
import { type FoundGate, type FoundPart, NotACell, type Product, type ScanEquations } from "./equations.ts";
import { labelOf } from "./label.ts";

/** A state as the body of a scan has it. */
export interface FoundState {
  readonly name: string;
  readonly width: number;
  readonly next: Expression;
}

/** A cell, and what its parameters are made of. */
export interface FoundCell {
  readonly cell: Cell;
  readonly hiddenSize: number;
  readonly projectionSize: number;
  /** By the names of the gates, in their order. */
  readonly gates: ReadonlyMap<string, FoundGate>;
  readonly projections: ReadonlyMap<string, Product>;
  /** By name, with what each is made of. */
  readonly weights: ReadonlyMap<string, ScanEquations["weights"] extends ReadonlyMap<string, infer V> ? V : never>;
}

/** The equations of a body as a cell, in which every part has the name that the graph has for it, or else a letter and a number. */
export function foundCell(
  { inputs, products, weights, pairs }: ScanEquations,
  states: readonly FoundState[],
  values: ReadonlyMap<string, Expression>,
): FoundCell {
  const read = inOrder([...states.map(({ next }) => next), ...values.values()]);
  const used = (kind: "x" | "weight" | "product"): Set<string> =>
    new Set(read.flatMap((node) => (kindOf(node) === kind ? [keyOf(node)] : [])));
  const [x, u, w] = [used("x"), used("product"), used("weight")];
  const input = [...inputs.values()].filter(({ key }) => x.has(key));
  const recurrent = [...products.values()].filter(({ key }) => u.has(key));
  // A part of one number is that of all units.
  const isOne = (width: number): boolean => width === 1 && !states.some((state) => state.width === 1);
  const hiddenSize = [...input, ...recurrent, ...states].find(({ width }) => !isOne(width))?.width ?? 1;
  const projects = ({ width, of }: FoundPart<Product>): boolean =>
    width !== hiddenSize && !isOne(width) && of.block.over.count === hiddenSize && of.biases.length === 0;
  const projecting = recurrent.filter(projects);
  const projectionSize = projecting[0]?.width ?? 0;
  const expectWidth = (width: number, what: string): "hidden" | "projection" => {
    if (width === hiddenSize) return "hidden";
    if (width === projectionSize) return "projection";
    throw new NotACell(`${what} has ${width} units, others ${hiddenSize}`);
  };
  for (const part of [...input, ...[...weights.values()].filter(({ key }) => w.has(key))])
    if (part.width !== hiddenSize && !isOne(part.width))
      throw new NotACell(`parts of ${part.width} and ${hiddenSize} units`);
  const found = paired(
    input,
    recurrent.filter((part) => !projects(part)),
    pairs,
  ).sort((a, b) => rowOf(a) - rowOf(b));
  // A layer sees its input; with a gate that nobody reads, where the equations do not.
  const gates = found.length > 0 ? found : [{}];
  const names = new Names();
  const called = gates.map((gate) => [names.of(gate.input?.label ?? gate.product?.label, "g"), gate] as const);
  const gateNames = new Map(
    called.flatMap(([name, gate]) => [gate.input, gate.product].flatMap((part) => (part ? [[part.key, name]] : []))),
  );
  const projections = new Map(projecting.map((part) => [part.key, names.of(matrixLabel(part) ?? part.label, "p")]));
  const own = new Names(states.map(({ name }) => name));
  const weightNames = new Map(
    [...weights.values()].filter(({ key }) => w.has(key)).map(({ key, label }) => [key, own.of(label, "w")]),
  );
  const replaced = (node: AnyNode): Expression | undefined => {
    const kind = kindOf(node);
    if (kind === "x") return variables.input(gateNames.get(keyOf(node))!);
    if (kind === "weight") return variables.weight(weightNames.get(keyOf(node))!);
    if (kind !== "product") return undefined;
    const name = gateNames.get(node.name) ?? projections.get(node.name)!;
    return product(name, renamed([node.args[0] as Expression])[0]!);
  };
  const renamed = (all: readonly Expression[]): Expression[] => rewrite(all, replaced);
  const next = Object.fromEntries(states.map(({ name, next: of }) => [name, renamed([of])[0]!]));
  const named: Record<string, Expression> = {};
  for (const [name, of] of values) if (!Object.hasOwn(next, name)) named[name] = renamed([of])[0]!;
  for (const { name } of [...states].reverse()) named[name] = next[name]!;
  const isBiased = [...input, ...recurrent].some(({ of }) => of.biases.length > 0);
  const cell: Cell = {
    ...{ name: "scan", options: {}, masks: {}, next, named },
    gates: called.map(([name, gate]) => ({ name, recurrent: gate.product !== undefined })),
    states: states.map(({ name, width }) => ({ name, width: expectWidth(width, `the state ${name}`) })),
    bias: isBiased ? "both" : "none",
    weights: Object.fromEntries([...weightNames.values()].map((name) => [name, 0])),
    projections: [...projections.values()],
  };
  expectWidths(cell, gates, projecting, { isOne, hiddenSize, projectionSize });
  return {
    ...{ cell, hiddenSize, projectionSize, gates: new Map(called) },
    projections: new Map(projecting.map(({ key, of }) => [projections.get(key)!, of])),
    weights: new Map([...weightNames].map(([key, name]) => [name, weights.get(key)!])),
  };
}

/** Gates stay in the order in which a matrix of the file packs them. */
const rowOf = ({ input, product: part }: FoundGate): number =>
  input?.of.terms[0]?.block?.from ?? part?.of.block.from ?? Number.POSITIVE_INFINITY;

const matrixLabel = ({ of }: FoundPart<Product>): string | undefined => {
  const { matrix } = of.block;
  return labelOf(isHost(matrix) ? matrix.name : undefined);
};

/** Every matrix is as wide as the vectors that it multiplies and makes. */
function expectWidths(
  cell: Cell,
  gates: readonly FoundGate[],
  projecting: readonly FoundPart<Product>[],
  { isOne, ...sizes }: { isOne(width: number): boolean; readonly hiddenSize: number; readonly projectionSize: number },
): void {
  widthsOf(cell);
  const over = sizeOf(recurrentWidth(cell), sizes);
  for (const { product: part } of gates)
    if (part && ((part.width !== sizes.hiddenSize && !isOne(part.width)) || part.of.block.over.count !== over))
      throw new NotACell(`matrices of ${part.width} × ${part.of.block.over.count} and ${sizes.hiddenSize} × ${over}`);
  for (const { width } of projecting)
    if (width !== sizes.projectionSize) throw new NotACell("projections of two widths");
}

/** Input parts with the recurrent parts that they are added to, or that are called like them; those that are left over in their order. */
function paired(
  input: readonly FoundGate["input"][],
  recurrent: readonly FoundPart<Product>[],
  pairs: ReadonlyMap<string, string>,
): FoundGate[] {
  const rest = new Set(recurrent);
  const take = (part: FoundPart<Product> | undefined): FoundPart<Product> | undefined => {
    if (part) rest.delete(part);
    return part;
  };
  const added = input.map((x) => take(recurrent.find(({ key }) => key === pairs.get(x!.key))));
  const alike = input.map(
    (x, k) => added[k] ?? take([...rest].find(({ label }) => label !== undefined && label === x!.label)),
  );
  // With nothing that tells more, a gate that sees the input alone stays so, as long as every recurrent part finds one.
  const gates = input.map((x, k): FoundGate => ({ input: x, product: alike[k] ?? take([...rest][0]) }));
  return [...gates, ...[...rest].map((part): FoundGate => ({ product: part }))];
}

const kindOf = (node: AnyNode): string =>
  node.op === "variable" ? partsOfVariable(node.name).kind : node.op === "product" ? "product" : "";
const keyOf = (node: AnyNode): string => (node.op === "variable" ? partsOfVariable(node.name).name : node.name);

/** Names of which no two are alike. */
class Names {
  private readonly taken: Set<string>;

  constructor(taken: Iterable<string> = []) {
    this.taken = new Set(taken);
  }

  of(label: string | undefined, letter: string): string {
    const candidates = label === undefined ? [] : [label];
    for (let k = 1; ; k++) {
      const name = candidates.shift() ?? `${label ?? letter}${k}`;
      if (this.taken.has(name)) continue;
      this.taken.add(name);
      return name;
    }
  }
}

import { type Cell, variables, type Width } from "../cells/define.ts";
import { type AnyNode, inOrder } from "../math/expression.ts";
import { UsageError } from "../shared/errors.ts";
import { perCell } from "./per-cell.ts";

/** Sizes of a scan that decide the shapes of its parameters. */
export interface ScanSizes {
  /** D */
  readonly inputSize: number;
  /** H */
  readonly hiddenSize: number;
  /** P; 0 where the cell has no state or mask of that width. */
  readonly projectionSize: number;
}

export const sizeOf = (width: Width, sizes: Omit<ScanSizes, "inputSize">): number =>
  width === "hidden" ? sizes.hiddenSize : sizes.projectionSize;

/** Steps that each row of a table has to have on average for its products to be taken once. */
const ENOUGH_STEPS = 4;

/** Whether a table of so many rows is small beside the rows of an input that are looked up in it: then it is multiplied, not they. */
export const isSmallTable = (vocabulary: number, rows: number): boolean => vocabulary * ENOUGH_STEPS <= rows;

/** Elements for what `rows` rows of a table give to the gates of a cell, each gate's units filled up to whole vectors. */
export const partsLength = (
  rows: number,
  { cell, hiddenSize }: { readonly cell: Cell; readonly hiddenSize: number },
): number => rows * cell.gates.length * Math.ceil(hiddenSize / 16) * 16 + 16;

/** Gates that have a recurrent matrix, in the packed order of the rows of `weight_hh`. */
export const recurrentGates = (cell: Cell): string[] => cell.gates.filter((g) => g.recurrent).map((g) => g.name);

/** Every node of a cell's equations, arguments first. */
export const nodesOf = (cell: Cell): AnyNode[] => inOrder([...Object.values(cell.next), ...Object.values(cell.named)]);

/** What a step is given from outside. */
const givenTo = ({ gates, states, weights, masks }: Cell): ReadonlyMap<AnyNode, Width> =>
  new Map([
    ...gates.map(({ name }) => [variables.input(name), "hidden"] as const),
    ...states.map(({ name, width }) => [variables.previous(name), width] as const),
    ...Object.keys(weights).map((name) => [variables.weight(name), "hidden"] as const),
    ...Object.entries(masks).map(([name, { width }]) => [variables.mask(name), width] as const),
  ]);

/** The width of a value of a cell; that of a constant is "hidden". */
export const widthOf = (cell: Cell, n: AnyNode): Width => widthsOf(cell).get(n) ?? "hidden";

/**
 * The width of every value of a cell (undefined: a constant, which takes any). Values that meet must be equally wide.
 * Throws a UsageError "bad-cell" that names the cell and the two widths, or what is read and given by nothing.
 */
export const widthsOf = /* @__PURE__ */ perCell((cell): ReadonlyMap<AnyNode, Width | undefined> => {
  // What is given has its width also where nothing reads it.
  const widths = new Map<AnyNode, Width | undefined>(givenTo(cell));
  const recurrent = recurrentGates(cell);
  for (const n of nodesOf(cell)) {
    if (widths.has(n)) continue;
    if (n.op === "product" && cell.projections.includes(n.name)) widths.set(n, "projection");
    else if (n.op === "product" && recurrent.includes(n.name)) widths.set(n, "hidden");
    else if (n.op === "variable" || n.op === "product" || n.op === "transposed")
      throw new UsageError(
        "bad-cell",
        `cell "${cell.name}": its equations read the ${n.op} "${n.name}", which nothing provides`,
      );
    else {
      const met = new Set(n.args.map((a) => widths.get(a)).filter((w) => w !== undefined));
      if (met.size > 1)
        throw new UsageError(
          "bad-cell",
          `cell "${cell.name}": ${n.op} meets a vector of hidden width and one of projection width; only a projection changes the width`,
        );
      widths.set(n, [...met][0]);
    }
  }
  for (const { name, width } of cell.states) {
    const w = widths.get(cell.next[name]!) ?? width;
    if (w !== width)
      throw new UsageError(
        "bad-cell",
        `cell "${cell.name}": state ${name} is declared ${width} but its equation is of ${w} width`,
      );
  }
  return widths;
});

/** Width of the vectors that the recurrent matrices multiply: columns of `weight_hh`. */
export function recurrentWidth(cell: Cell): Width {
  const gates = new Set(recurrentGates(cell));
  const met = new Set<Width>();
  for (const n of nodesOf(cell)) if (n.op === "product" && gates.has(n.name)) met.add(widthOf(cell, n.args[0]!));
  if (met.size > 1)
    throw new UsageError("bad-cell", `cell "${cell.name}": all recurrent matrices must multiply vectors of one width`);
  return [...met][0] ?? "hidden";
}

/** Shapes of a cell's parameters under the operand names of a scan (compute/plan.ts), in their order. */
export function parameterShapes(cell: Cell, sizes: ScanSizes): Record<string, readonly number[]> {
  const { inputSize: D, hiddenSize: H, projectionSize: P } = sizes;
  const [G, R] = [cell.gates.length, recurrentGates(cell).length];
  const shapes: Record<string, readonly number[]> = { weight_ih: [G * H, D] };
  if (R > 0) shapes.weight_hh = [R * H, sizeOf(recurrentWidth(cell), sizes)];
  if (cell.bias === "both") {
    shapes.bias_ih = [G * H];
    if (R > 0) shapes.bias_hh = [R * H];
  }
  for (const name of Object.keys(cell.weights)) shapes[`weight.${name}`] = [H];
  for (const name of cell.projections) shapes[`projection.${name}`] = [P, H];
  return shapes;
}

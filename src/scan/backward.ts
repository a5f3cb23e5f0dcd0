import { type Cell, partsOfVariable, variables, type Width } from "../cells/define.ts";
import { type AnyNode, type Expression, inOrder } from "../math/expression.ts";
import { type Adjoints, backOf } from "./adjoints.ts";
import type { Forward } from "./forward.ts";
import { type PlacedStore, phasesOf } from "./phases.ts";
import type { Products } from "./products.ts";
import type { BackwardPhase, Place } from "./program.ts";
import { widthsOf } from "./widths.ts";

export interface Backward {
  readonly phases: readonly BackwardPhase[];
  readonly slots: readonly Width[];
  readonly inputGradientSlots: readonly number[];
  readonly productGradientSlots: readonly number[];
  readonly means: number;
  readonly place: (node: AnyNode) => Place | undefined;
}

/** Levels, places of gradients, and the phases of the backward pass. */
export function lowerBackward(
  cell: Cell,
  { operands, products }: Products,
  adjoints: Adjoints,
  forward: Forward,
): Backward {
  const { nodes } = forward;
  const means: AnyNode[] = [];
  const backs = new Map<AnyNode, number>(operands.map((_, operand) => [backOf(operand), operand]));
  const levels = new Map<AnyNode, number>();
  /** Values of the forward pass are there from the start; an operand's adjoint is there one level after the last gradient it sums. */
  const level = (n: AnyNode): number => {
    const known = levels.get(n);
    if (known !== undefined) return known;
    let result = 0;
    if (!nodes.has(n)) {
      const operand = backs.get(n);
      if (operand !== undefined)
        result =
          1 + Math.max(0, ...products.filter((p) => p.operand === operand).map((p) => level(adjoints.of(p.node))));
      else result = Math.max(0, ...n.args.map(level)) + (n.op === "mean" ? 1 : 0);
      if (n.op === "mean") means.push(n);
    }
    levels.set(n, result);
    return result;
  };
  for (const adjoint of adjoints.all) level(adjoint);

  const place = (n: AnyNode): Place | undefined => {
    if (nodes.has(n)) return forward.placeAfter(n);
    if (n.op === "mean") return { kind: "backMean", mean: means.indexOf(n) };
    if (n.op !== "variable") return undefined;
    const operand = backs.get(n);
    return operand === undefined ? { kind: "adjoint", state: partsOfVariable(n.name).name } : { kind: "back", operand };
  };

  const widths = new Map<AnyNode, Width | undefined>([
    ...widthsOf(cell),
    ...cell.states.map((s) => [variables.adjoint(s.name), s.width] as const),
    ...operands.map((o, operand) => [backOf(operand), o.width] as const),
  ]);
  /** That of whatever vector an expression is made of. */
  const widthBelow = (value: AnyNode): Width =>
    inOrder([value], (n) => widths.get(n) !== undefined)
      .map((n) => widths.get(n))
      .find((width) => width !== undefined) ?? "hidden";
  const stores: PlacedStore[] = [];
  const store = (node: Expression, width: Width, to: Place): void => {
    const value = adjoints.of(node);
    stores.push({ value, to, level: level(value), width });
  };
  for (const s of cell.states) store(variables.previous(s.name), s.width, { kind: "carry", state: s.name });
  for (const name of Object.keys(cell.weights))
    store(variables.weight(name), "hidden", { kind: "weightGradient", name });
  for (const [name, node] of Object.entries(cell.named)) store(node, widthBelow(node), { kind: "traceGradient", name });
  const meanJobs = means.map((n, mean) => ({
    mean,
    values: n.args as Expression[],
    level: level(n) - 1,
    width: widthBelow(n),
  }));

  // The gradient of a pre-activation goes where the pre-activation was, unless a later level still reads what lies there.
  const reads = [
    ...adjoints.all.map((value) => ({ value, level: level(value) })),
    ...meanJobs.flatMap((job) => job.values.map((value) => ({ value, level: job.level }))),
  ];
  const slots = [...forward.slots];
  const gradientSlot = (node: Expression, own: number, width: Width): number => {
    const at = level(adjoints.of(node));
    const later = inOrder(
      reads.filter((r) => r.level > at).map((r) => r.value),
      (n) => place(n) !== undefined,
    );
    const isRead = later.some((n) => {
      const p = place(n);
      return p?.kind === "slot" && p.slot === own;
    });
    const slot = isRead ? slots.push(width) - 1 : own;
    store(node, width, { kind: "slot", slot });
    return slot;
  };
  const inputGradientSlots = cell.gates.map((g, k) => gradientSlot(variables.input(g.name), k, "hidden"));
  const productGradientSlots = products.map((p) =>
    p.fusedWith === undefined ? gradientSlot(p.node, p.slot, p.width) : inputGradientSlots[p.fusedWith]!,
  );

  const phases = phasesOf(stores, meanJobs, []);
  /** The last phase before an operand's adjoint is ready: its products are taken right after it. */
  const readyAfter = (operand: number): number => phases.findLastIndex((p) => p.level < level(backOf(operand)));
  return {
    phases: phases.map((phase, k) => ({
      ...phase,
      operands: [...adjoints.sent].filter((operand) => readyAfter(operand) === k),
    })),
    ...{ slots, inputGradientSlots, productGradientSlots, means: means.length, place },
  };
}

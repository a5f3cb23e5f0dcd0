import type { Cell, Width } from "../cells/define.ts";
import { gradient } from "../math/derivative.ts";
import { type AnyNode, constant, type Expression, inOrder, variable } from "../math/expression.ts";
import { UsageError } from "../shared/errors.ts";
import { nodesOf, recurrentGates, widthsOf } from "./widths.ts";

/*
 * From a cell's equations to the program of one time step, for machines that print kernels. Matrix products and means
 * cut a step into levels: what is computed at level n may use products and means of levels up to n. Within a level
 * everything is pointwise and belongs to one loop over units.
 *
 * Values that live from one level to another, or until the backward pass, lie in *slots*: one panel of units a step and
 * example. A gate's slot first holds its pre-activation (the input product, then the recurrent product added to it), then
 * what the backward pass wants to know in its place (the activated gate), then the gradient of the pre-activation.
 */

/** Where a value is read or written. Without an entry here it is computed where it is used. */
export type Place =
  /** A panel of one slot at this step. */
  | { readonly kind: "slot"; readonly slot: number }
  | { readonly kind: "previous" | "next" | "carry"; readonly state: string }
  /** Adjoint of a state after this step: what came back from the next step, and for the first state the output's. */
  | { readonly kind: "adjoint"; readonly state: string }
  /** The vector that a matrix multiplies, and its adjoint. */
  | { readonly kind: "operand" | "back"; readonly operand: number }
  /** One number an example: a mean of the forward pass (kept for every step) or of the backward pass. */
  | { readonly kind: "mean" | "backMean"; readonly mean: number }
  | { readonly kind: "weight" | "mask" | "weightGradient" | "trace" | "traceGradient"; readonly name: string };

export interface Store {
  readonly value: Expression;
  readonly to: Place;
}

/** A vector that one or more matrices multiply. */
export interface Operand {
  readonly node: Expression;
  readonly width: Width;
  /** The state it is, when it is a previous state and needs no place of its own. */
  readonly state: string | undefined;
}

/** A matrix times an operand, into a slot. */
export interface Product {
  /** Gate, or name of the projection. */
  readonly name: string;
  /** Number of its block of rows in `weight_hh`; undefined for a projection. */
  readonly block: number | undefined;
  readonly operand: number;
  readonly width: Width;
  readonly slot: number;
  /** Added to the gate's input part, which lies in the slot already. */
  readonly accumulate: boolean;
  /** Slot of the gradient of the product's value. */
  readonly gradientSlot: number;
  readonly level: number;
}

/** One level and width of a step: products whose operands are ready, then one loop over units, then sums for means. */
export interface Phase {
  readonly level: number;
  readonly width: Width;
  readonly products: readonly Product[];
  readonly stores: readonly Store[];
  /** Means over all units of `values`, finished when the loop is. */
  readonly means: readonly { readonly mean: number; readonly values: readonly Expression[] }[];
}
export interface BackwardPhase extends Phase {
  /** After the loop: adjoints of these operands, `Σ Mᵀ · gradient slot` over their products. */
  readonly operands: readonly number[];
}

export interface StepProgram {
  /** Width of every slot. The first G are the input parts of the gates, in packed order. */
  readonly slots: readonly Width[];
  /** For each gate, the slot of the gradient of its input part. */
  readonly inputGradientSlots: readonly number[];
  readonly operands: readonly Operand[];
  readonly products: readonly Product[];
  /** How many numbers an example and step the forward and the backward pass keep for means. */
  readonly means: number;
  readonly backMeans: number;
  readonly forward: readonly Phase[];
  readonly backward: readonly BackwardPhase[];
  /** Where a node can be loaded in a phase of the forward or of the backward pass; undefined: compute it. */
  forwardPlace(node: AnyNode, level: number): Place | undefined;
  backwardPlace(node: AnyNode): Place | undefined;
}

const expensive = new Set<string>(["exponential", "logarithm", "logarithm1p", "sigmoid", "tanh", "erf"]);

const programs = new WeakMap<Cell, StepProgram>();

/** The program of a cell's step; the same object for the same cell. */
export function stepProgram(cell: Cell): StepProgram {
  let program = programs.get(cell);
  if (!program) {
    program = lower(cell);
    programs.set(cell, program);
  }
  return program;
}

function lower(cell: Cell): StepProgram {
  const widths = widthsOf(cell);
  const nodes = nodesOf(cell);
  const forwardNodes = new Set<AnyNode>(nodes);
  const width = (n: AnyNode): Width => widths.get(n) ?? "hidden";
  const slots: Width[] = cell.gates.map(() => "hidden");
  const panels = new Map<AnyNode, number>(); // nodes that products leave in a slot
  const { operands, products } = placeProducts(cell, nodes, widths, slots, panels);
  const productOf = new Map(products.map((p) => [p.name, p]));

  // Levels of the forward pass.
  const level = new Map<AnyNode, number>();
  for (const n of nodes) {
    const below = Math.max(0, ...n.args.map((a) => level.get(a)!));
    level.set(n, n.op === "product" || n.op === "mean" ? below + 1 : below);
  }
  for (const p of products) (p as { level: number }).level = level.get(operands[p.operand]!.node)! + 1;
  const means = nodes.filter((n) => n.op === "mean");
  const meanIndex = new Map<AnyNode, number>(means.map((n, k) => [n, k]));
  const nextOf = new Map<AnyNode, string>(cell.states.map((s) => [cell.next[s.name]!, s.name] as const).reverse());
  const operandIndex = new Map<AnyNode, number>(operands.map((o, k) => [o.node, k]));

  // Adjoints. Products of one operand send one vector back together; to a raw state it is added at the end of the step.
  const sent = new Set<number>();
  const productAdjoint = (node: Expression): Expression => {
    const k = operandIndex.get(node.args[0]!)!;
    if (operands[k]!.state !== undefined || sent.has(k)) return constant(0);
    sent.add(k);
    return variable(`back.${k}`);
  };
  const named = Object.entries(cell.named);
  const wanted = [
    ...cell.gates.map((g) => variable(`x.${g.name}`)),
    ...products.map((p) => nodes.find((n) => n.op === "product" && n.name === p.name) as Expression),
    ...cell.states.map((s) => variable(`previous.${s.name}`)),
    ...Object.keys(cell.weights).map((name) => variable(`weight.${name}`)),
    ...named.map(([, node]) => node),
  ];
  const seeds = cell.states.map((s) => [cell.next[s.name]!, variable(`d.${s.name}`)] as const);
  const found = gradient(seeds, wanted, productAdjoint);
  const adjoint = new Map<AnyNode, Expression>(wanted.map((n, k) => [n, found[k]!]));

  // What the backward pass reads of the forward pass: transcendental values are kept, unless states alone give them.
  const free = (n: AnyNode): boolean =>
    !forwardNodes.has(n) || n.op === "constant" || isFreeVariable(n) || meanIndex.has(n) || nextOf.has(n) || (!panels.has(n) && n.args.length > 0 && n.args.every(free));
  const needed = inOrder(found, (n) => nextOf.has(n) || panels.has(n) || meanIndex.has(n) || (expensive.has(n.op) && forwardNodes.has(n) && !free(n)));
  const kept = new Set(needed.filter((n) => forwardNodes.has(n) && expensive.has(n.op) && !free(n) && !nextOf.has(n)));
  // The same for values that a later level of the forward pass reads.
  const forwardRoots = forwardStores(cell, operands, level);
  const forwardReads = [...forwardRoots, ...means.flatMap((n) => n.args.map((node) => ({ node, at: level.get(n)! - 1 })))];
  for (const { node, at } of forwardReads)
    for (const n of inOrder([node], (m) => kept.has(m) || panels.has(m) || meanIndex.has(m)))
      if (expensive.has(n.op) && level.get(n)! < at && !free(n) && !nextOf.has(n)) kept.add(n);
  const neededPanels = new Set(inOrder(found, (n) => nextOf.has(n) || meanIndex.has(n) || kept.has(n) || panels.has(n)).filter((n) => panels.has(n)));

  // Slots for kept values: the panel of a gate that nobody reads any more, else one more slot.
  const keptSlot = new Map<AnyNode, number>();
  const lastRead = new Map<AnyNode, number>();
  for (const { node, at } of forwardReads)
    for (const n of inOrder([node], (m) => (kept.has(m) && level.get(m)! < at) || panels.has(m) || meanIndex.has(m)))
      if (panels.has(n)) lastRead.set(n, Math.max(lastRead.get(n) ?? 0, at));
  const taken = new Set<number>();
  for (const s of [...kept].sort((a, b) => a.id - b.id)) {
    const own = inOrder([s]).filter((n) => panels.has(n));
    const usable = (p: AnyNode): boolean =>
      !neededPanels.has(p) && !taken.has(panels.get(p)!) && width(p) === width(s) && level.get(p)! <= level.get(s)! && (lastRead.get(p) ?? 0) <= level.get(s)!;
    const panel = [...own, ...panels.keys()].find(usable);
    const slot = panel ? panels.get(panel)! : slots.push(width(s)) - 1;
    taken.add(slot);
    keptSlot.set(s, slot);
  }

  const forwardPlace = (n: AnyNode, at: number): Place | undefined => {
    const below = level.get(n) ?? 0;
    if (kept.has(n) && below < at) return { kind: "slot", slot: keptSlot.get(n)! };
    if (nextOf.has(n) && below < at && !panels.has(n)) return { kind: "next", state: nextOf.get(n)! };
    if (panels.has(n)) return { kind: "slot", slot: panels.get(n)! };
    if (meanIndex.has(n)) return { kind: "mean", mean: meanIndex.get(n)! };
    return placeOfVariable(n);
  };
  const forward = phases(
    forwardRoots.map(({ node, at, to }) => ({ value: node, to, at, width: width(node) })),
    [...kept].map((n) => ({ value: n as Expression, to: { kind: "slot" as const, slot: keptSlot.get(n)! }, at: level.get(n)!, width: width(n) })),
    means.map((n) => ({ mean: meanIndex.get(n)!, values: n.args as Expression[], at: level.get(n)! - 1, width: width(n) })),
    products,
  );

  // Levels of the backward pass.
  const backLevel = new Map<AnyNode, number>();
  const backMeans: AnyNode[] = [];
  const levelBack = (n: AnyNode): number => {
    const known = backLevel.get(n);
    if (known !== undefined) return known;
    let result = 0;
    if (!forwardNodes.has(n)) {
      if (n.op === "variable" && n.name.startsWith("back.")) {
        const group = products.filter((p) => p.operand === Number(n.name.slice(5)));
        result = 1 + Math.max(0, ...group.map((p) => levelBack(adjoint.get(wanted.find((w) => w.op === "product" && w.name === p.name)!)!)));
      } else {
        result = Math.max(0, ...n.args.map(levelBack));
        if (n.op === "mean") {
          result++;
          backMeans.push(n);
        }
      }
    }
    backLevel.set(n, result);
    return result;
  };
  for (const root of found) levelBack(root);
  const backwardPlace = (n: AnyNode): Place | undefined => {
    if (kept.has(n)) return { kind: "slot", slot: keptSlot.get(n)! };
    if (nextOf.has(n)) return { kind: "next", state: nextOf.get(n)! };
    if (panels.has(n)) return { kind: "slot", slot: panels.get(n)! };
    if (meanIndex.has(n)) return { kind: "mean", mean: meanIndex.get(n)! };
    const mean = backMeans.indexOf(n);
    if (mean >= 0) return { kind: "backMean", mean };
    if (n.op === "variable" && n.name.startsWith("back.")) return { kind: "back", operand: Number(n.name.slice(5)) };
    if (n.op === "variable" && n.name.startsWith("d.")) return { kind: "adjoint", state: n.name.slice(2) };
    return placeOfVariable(n);
  };
  const meanJobs = backMeans.map((n, mean) => ({ mean, values: n.args as Expression[], at: levelBack(n) - 1, width: widthBack(n, widths) }));
  const stores: PlacedStore[] = [];
  for (const { name, width: w } of cell.states) {
    const value = adjoint.get(variable(`previous.${name}`))!;
    stores.push({ value, to: { kind: "carry", state: name }, at: levelBack(value), width: w });
  }
  for (const name of Object.keys(cell.weights)) {
    const value = adjoint.get(variable(`weight.${name}`))!;
    stores.push({ value, to: { kind: "weightGradient", name }, at: levelBack(value), width: "hidden" });
  }
  for (const [name, node] of named) {
    const value = adjoint.get(node)!;
    stores.push({ value, to: { kind: "traceGradient", name }, at: levelBack(value), width: width(node) });
  }
  // Gradients of pre-activations go where the pre-activation was, unless a later level still reads what lies there.
  const gradientSlot = new Map<AnyNode, number>();
  const place = (node: Expression, slot: number, w: Width): number => {
    const value = adjoint.get(node)!;
    const at = levelBack(value);
    const readers = [...stores.filter((s) => s.to.kind !== "slot"), ...wanted.map((n) => ({ value: adjoint.get(n)!, at: levelBack(adjoint.get(n)!) }))];
    const later = [...readers.filter((r) => r.at > at).map((r) => r.value), ...meanJobs.filter((m) => m.at > at).flatMap((m) => m.values)];
    const reads = inOrder(later, (n) => backwardPlace(n) !== undefined).some((n) => {
      const p = backwardPlace(n);
      return p?.kind === "slot" && p.slot === slot;
    });
    const chosen = reads || [...gradientSlot.values()].includes(slot) ? slots.push(w) - 1 : slot;
    gradientSlot.set(node, chosen);
    stores.push({ value, to: { kind: "slot", slot: chosen }, at, width: w });
    return chosen;
  };
  const inputGradientSlots = cell.gates.map((g, k) => place(variable(`x.${g.name}`), k, "hidden"));
  for (const p of products) {
    const fused = p.accumulate;
    const node = wanted.find((n) => n.op === "product" && n.name === p.name)!;
    (p as { gradientSlot: number }).gradientSlot = fused ? inputGradientSlots[cell.gates.findIndex((g) => g.name === p.name)]! : place(node, p.slot, p.width);
  }
  const backward = phases(stores, [], meanJobs, []).map((phase, k, all) => ({
    ...phase,
    operands: operands.flatMap((o, index) => {
      if (o.state !== undefined || !sent.has(index)) return [];
      const last = all.filter((p) => p.level < levelBack(variable(`back.${index}`))).at(-1);
      return last === all[k] ? [index] : [];
    }),
  }));
  return { slots, inputGradientSlots, operands, products, means: means.length, backMeans: backMeans.length, forward, backward, forwardPlace, backwardPlace };

  function isFreeVariable(n: AnyNode): boolean {
    return n.op === "variable" && !n.name.startsWith("x.");
  }
  function placeOfVariable(n: AnyNode): Place | undefined {
    if (n.op !== "variable") return undefined;
    const [kind, name] = [n.name.slice(0, n.name.indexOf(".")), n.name.slice(n.name.indexOf(".") + 1)];
    if (kind === "previous") return { kind, state: name };
    if (kind === "weight" || kind === "mask") return { kind, name };
    throw new UsageError("bad-cell", `cell "${cell.name}": its equations read "${n.name}", which nothing provides`);
  }
  function widthBack(n: AnyNode, known: ReadonlyMap<AnyNode, Width | undefined>): Width {
    if (known.get(n)) return known.get(n)!;
    if (n.op === "variable" && n.name.startsWith("d.")) return cell.states.find((s) => s.name === n.name.slice(2))!.width;
    if (n.op === "variable" && n.name.startsWith("back.")) return operands[Number(n.name.slice(5))]!.width;
    for (const a of n.args) if (a.op !== "constant") return widthBack(a, known);
    return "hidden";
  }
  function phases(
    roots: readonly PlacedStore[],
    keeps: readonly PlacedStore[],
    meansOf: readonly { mean: number; values: readonly Expression[]; at: number; width: Width }[],
    started: readonly Product[],
  ): Phase[] {
    const all = [...roots, ...keeps];
    const last = Math.max(0, ...all.map((s) => s.at), ...meansOf.map((m) => m.at), ...started.map((p) => p.level));
    const result: Phase[] = [];
    for (let at = 0; at <= last; at++)
      for (const w of ["hidden", "projection"] as const) {
        const phase = {
          level: at,
          width: w,
          products: started.filter((p) => p.level === at && p.width === w),
          stores: all.filter((s) => s.at === at && s.width === w).map(({ value, to }) => ({ value, to })),
          means: meansOf.filter((m) => m.at === at && m.width === w).map(({ mean, values }) => ({ mean, values })),
        };
        if (phase.products.length + phase.stores.length + phase.means.length > 0) result.push(phase);
      }
    return result;
  }
}

interface PlacedStore extends Store {
  readonly at: number;
  readonly width: Width;
}

/** Every product of a cell with its operand and slot; `panels` learns which nodes lie in which slot. */
function placeProducts(cell: Cell, nodes: readonly AnyNode[], widths: ReadonlyMap<AnyNode, Width | undefined>, slots: Width[], panels: Map<AnyNode, number>) {
  const users = new Map<AnyNode, AnyNode[]>();
  const roots = new Set<AnyNode>([...Object.values(cell.next), ...Object.values(cell.named)]);
  for (const n of nodes) for (const a of n.args) users.set(a, [...(users.get(a) ?? []), n]);
  const only = (n: AnyNode): AnyNode | undefined => (users.get(n)?.length === 1 && !roots.has(n) ? users.get(n)![0] : undefined);
  const recurrent = recurrentGates(cell);
  const operands: Operand[] = [];
  const products: Product[] = [];
  const ordered = [...recurrent, ...cell.projections];
  for (const name of ordered) {
    const found = nodes.filter((n): n is Expression => n.op === "product" && n.name === name);
    if (found.length > 1)
      throw new UsageError("bad-cell", `cell "${cell.name}": the matrix "${name}" multiplies ${found.length} different vectors; give each its own name`);
    const node = found[0];
    if (!node) continue;
    const vector = node.args[0] as Expression;
    let operand = operands.findIndex((o) => o.node === vector);
    if (operand < 0) {
      const state = vector.op === "variable" && vector.name.startsWith("previous.") ? vector.name.slice(9) : undefined;
      operand = operands.push({ node: vector, width: widths.get(vector) ?? "hidden", state }) - 1;
    }
    const gate = cell.gates.findIndex((g) => g.name === name);
    const x = variable(`x.${name}`);
    const sum = only(node);
    const fused = gate >= 0 && sum?.op === "add" && sum.args.includes(x) && sum.args.includes(node) && only(x) === sum;
    const slot = fused ? gate : slots.push(widths.get(node) ?? "hidden") - 1;
    panels.set(fused ? sum : node, slot);
    products.push({
      name,
      block: gate >= 0 ? recurrent.indexOf(name) : undefined,
      operand,
      width: widths.get(node) ?? "hidden",
      slot,
      accumulate: fused,
      gradientSlot: -1,
      level: -1,
    });
  }
  cell.gates.forEach((g, k) => {
    if (!products.some((p) => p.name === g.name && p.accumulate)) panels.set(variable(`x.${g.name}`), k);
  });
  return { operands, products };
}

/** What the forward pass writes apart from kept values: operands of products, next states, named values. */
function forwardStores(cell: Cell, operands: readonly Operand[], level: ReadonlyMap<AnyNode, number>) {
  const roots: { node: Expression; at: number; to: Place }[] = [];
  operands.forEach((o, operand) => {
    if (o.state === undefined) roots.push({ node: o.node, at: level.get(o.node)!, to: { kind: "operand", operand } });
  });
  for (const s of cell.states) roots.push({ node: cell.next[s.name]!, at: level.get(cell.next[s.name]!) ?? 0, to: { kind: "next", state: s.name } });
  for (const [name, node] of Object.entries(cell.named)) roots.push({ node, at: level.get(node) ?? 0, to: { kind: "trace", name } });
  return roots;
}

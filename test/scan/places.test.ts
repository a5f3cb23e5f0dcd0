import fc from "fast-check";
import { expect, test } from "vitest";
import { type Cell, variables } from "../../src/cells/define.ts";
import type { AnyNode } from "../../src/math/expression.ts";
import { adjointsOf, backOf } from "../../src/scan/adjoints.ts";
import { forwardProgram, stepProgram } from "../../src/scan/lower.ts";
import { findProducts } from "../../src/scan/products.ts";
import type { ForwardProgram, Phase, Place, StepProgram } from "../../src/scan/program.ts";
import { nodesOf } from "../../src/scan/widths.ts";
import { cellOf, randomCells } from "../support/random-cell.ts";
import { lawCells } from "../support/recurrent-cells.ts";

/*
 * A step carried out on names of values in place of numbers: whatever a phase loads from a place is what lies there by then. Slots are
 * taken by one value after the other, so a slot that is given away too early shows here, in every cell, whether or not a kernel's order of
 * loads and stores would hide it.
 */

const keyOf = (place: Place): string => JSON.stringify(place);

class Memory {
  private readonly held = new Map<string, AnyNode>();
  private readonly cell: Cell;
  constructor(cell: Cell) {
    this.cell = cell;
    for (const [slot, gate] of cell.gates.entries()) this.put({ kind: "slot", slot }, variables.input(gate.name));
    for (const { name } of cell.states) {
      this.put({ kind: "previous", state: name }, variables.previous(name));
      this.put({ kind: "adjoint", state: name }, variables.adjoint(name));
    }
    for (const name of Object.keys(cell.weights)) this.put({ kind: "weight", name }, variables.weight(name));
    for (const name of Object.keys(cell.masks)) this.put({ kind: "mask", name }, variables.mask(name));
  }
  put(place: Place, value: AnyNode): void {
    this.held.set(keyOf(place), value);
  }
  at(place: Place): AnyNode | undefined {
    return this.held.get(keyOf(place));
  }
  /** Computes a value as a kernel does: what has a place is loaded, all else is computed of its arguments. */
  compute(value: AnyNode, placeOf: (n: AnyNode) => Place | undefined): void {
    const done = new Set<AnyNode>();
    const visit = (n: AnyNode): void => {
      if (done.has(n)) return;
      done.add(n);
      const place = placeOf(n);
      if (place) {
        if (this.at(place) !== n) throw new Error(`cell ${this.cell.name}: ${n.op} is not in ${keyOf(place)}`);
      } else if (n.op === "product" || n.op === "mean" || n.op === "variable")
        throw new Error(`cell ${this.cell.name}: ${n.op} has no place`);
      else n.args.forEach(visit);
    };
    visit(value);
  }
  /** A phase loads all that it needs before it stores. */
  run({ stores, means }: Phase, placeOf: (n: AnyNode) => Place | undefined): void {
    for (const { value } of stores) this.compute(value, placeOf);
    for (const { values } of means) for (const value of values) this.compute(value, placeOf);
    for (const { value, to } of stores) this.put(to, value);
  }
}

function runForward(cell: Cell, program: ForwardProgram): Memory {
  const memory = new Memory(cell);
  const nodes = nodesOf(cell);
  const means = nodes.filter((n) => n.op === "mean");
  for (const phase of program.forward) {
    for (const number of phase.products) {
      const { node, operand, slot, fusedWith } = program.products[number]!;
      const { state } = program.operands[operand]!;
      const vector: Place = state === undefined ? { kind: "operand", operand } : { kind: "previous", state };
      expect(memory.at(vector), cell.name).toBe(node.args[0]);
      const x = fusedWith !== undefined && variables.input(cell.gates[fusedWith]!.name);
      if (x) expect(memory.at({ kind: "slot", slot }), cell.name).toBe(x);
      memory.put(
        { kind: "slot", slot },
        x ? nodes.find((n) => n.op === "add" && n.args.includes(node) && n.args.includes(x))! : node,
      );
    }
    memory.run(phase, (n) => program.forwardPlace(n, phase.level));
    for (const { mean: number } of phase.means) memory.put({ kind: "mean", mean: number }, means[number]!);
  }
  for (const { name } of cell.states) expect(memory.at({ kind: "next", state: name }), cell.name).toBe(cell.next[name]);
  return memory;
}

function runBackward(cell: Cell, program: StepProgram, memory: Memory): void {
  const { of } = adjointsOf(cell, findProducts(cell));
  const expectIn = (place: Place, value: AnyNode): void => {
    const isThere = place.kind !== "slot" || place.slot < program.slots.length;
    if (!isThere || memory.at(place) !== of(value))
      throw new Error(`cell ${cell.name}: no gradient in ${keyOf(place)}`);
  };
  const gradientOf = (product: number): void =>
    expectIn({ kind: "slot", slot: program.productGradientSlots[product]! }, program.products[product]!.node);
  const meanOf = new Map<number, AnyNode>();
  const seen = new Set<AnyNode>();
  const look = (n: AnyNode): void => {
    if (seen.has(n)) return;
    seen.add(n);
    const place = program.backwardPlace(n);
    if (place?.kind === "backMean") meanOf.set(place.mean, n);
    n.args.forEach(look);
  };
  for (const { stores, means } of program.backward) {
    for (const { value } of stores) look(value);
    for (const { values } of means) values.forEach(look);
  }
  for (const phase of program.backward) {
    memory.run(phase, program.backwardPlace);
    for (const { mean: number } of phase.means) memory.put({ kind: "backMean", mean: number }, meanOf.get(number)!);
    for (const operand of phase.operands) {
      for (const [k, p] of program.products.entries()) if (p.operand === operand) gradientOf(k);
      memory.put({ kind: "back", operand }, backOf(operand));
    }
  }
  for (const k of program.products.keys()) gradientOf(k);
  for (const [k, { name }] of cell.gates.entries())
    expectIn({ kind: "slot", slot: program.inputGradientSlots[k]! }, variables.input(name));
  for (const { name } of cell.states) expectIn({ kind: "carry", state: name }, variables.previous(name));
  for (const name of Object.keys(cell.weights)) expectIn({ kind: "weightGradient", name }, variables.weight(name));
}

const check = (cell: Cell): void => {
  runForward(cell, forwardProgram(cell));
  const program = stepProgram(cell);
  runBackward(cell, program, runForward(cell, program));
};

test.each(lawCells)("$name: what is loaded from a place lies there", ({ make }) => check(make()));

test("of any cell", () => {
  fc.assert(
    fc.property(randomCells, (random) => check(cellOf(random))),
    { numRuns: 500 },
  );
});

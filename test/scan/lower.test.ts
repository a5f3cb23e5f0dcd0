import { expect, test } from "vitest";
import { defineCell } from "../../src/cells/define.ts";
import { add, mul, tanh } from "../../src/math/expression.ts";
import { forwardProgram, stepProgram } from "../../src/scan/lower.ts";
import type { ForwardProgram } from "../../src/scan/program.ts";
import { lawCells } from "../support/recurrent-cells.ts";

/** The slots of the values that a step writes beside its states and what products read. */
const slotsOfKept = ({ forward }: ForwardProgram): number[] =>
  forward
    .flatMap(({ stores }) => stores.flatMap(({ to }) => (to.kind === "slot" ? [to.slot] : [])))
    .toSorted((a, b) => a - b);
const kept = (program: ForwardProgram): number => slotsOfKept(program).length;

/**
 * Of each cell: how many slots a step has, which of them hold a value that is kept for the way back, and how many slots a step has that
 * nobody goes back through; and its phases, there and back. A value lies in the slot of its gate, unless that is read itself: what a clip has cut, what a gate is mixed of.
 */
const memory: Readonly<
  Record<string, readonly [slots: number, kept: readonly number[], forwardSlots: number, phases: number, back: number]>
> = {
  "rnn, tanh": [1, [], 1, 1, 1],
  "rnn, relu": [1, [], 1, 1, 1],
  lstm: [4, [0, 1, 2, 3], 4, 1, 1],
  "lstm without bias": [4, [0, 1, 2, 3], 4, 1, 1],
  "lstm, peephole": [4, [0, 1, 2, 3], 4, 1, 1],
  "lstm, coupled": [3, [0, 1, 2], 3, 1, 1],
  "lstm, projection": [5, [0, 1, 2, 3], 5, 2, 2],
  "lstm, clip": [8, [4, 5, 6, 7], 4, 1, 1],
  "lstm, recurrent dropout": [4, [0, 1, 2, 3], 4, 2, 2],
  "lstm, zoneout": [5, [0, 1, 2, 3, 4], 4, 1, 1],
  "lstm, everything": [6, [0, 1, 2, 3, 5], 5, 3, 4],
  gru: [4, [0, 1, 2], 4, 1, 1],
  "gru, reset before": [4, [0, 1, 2], 3, 2, 2],
  "gru, recurrent dropout and zoneout": [5, [0, 1, 2], 3, 3, 3],
  "min-gru": [2, [0], 2, 1, 1],
  "min-lstm": [3, [0, 1], 3, 1, 1],
  "layer-norm-lstm": [12, [8, 9, 10, 11], 8, 6, 5],
  odd: [7, [0, 2, 3, 5, 6], 5, 3, 2],
};

test.each(lawCells)("$name: what a step keeps lies where nobody needs the memory any more", ({ name, make }) => {
  const [step, forward] = [stepProgram(make()), forwardProgram(make())];
  const phases = [step.forward.length, step.backward.length];
  expect([step.slots.length, slotsOfKept(step), forward.slots.length, ...phases]).toEqual(memory[name]);
});

test("equations whose values are used twice, level upon level, are gone through once", () => {
  const cell = defineCell({
    name: "power",
    gates: { a: tanh },
    state: ["h"],
    step({ a }, { h }) {
      let power = h;
      for (let k = 0; k < 60; k++) power = mul(add(power, 1), power);
      return { h: add(a, tanh(power)) };
    },
  });
  expect(kept(stepProgram(cell))).toBe(1);
});

test.each(lawCells)("$name: a step that nobody goes back through keeps nothing", ({ make }) => {
  const [step, forward] = [stepProgram(make()), forwardProgram(make())];
  expect(slotsOfKept(forward)).toEqual([]);
  expect(forward.products).toEqual(step.products);
});

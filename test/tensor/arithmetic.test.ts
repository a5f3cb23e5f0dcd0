import { expect, test } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import * as math from "../../src/math/expression.ts";
import { add, div, mul, sub } from "../../src/tensor/arithmetic.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { expectGradients } from "./gradients.ts";

test("of expressions they are those of the equations", () => {
  const x = math.variable("x");
  expect(add(x, 2)).toBe(math.add(x, 2));
  expect([sub(x, x), mul(3, x), div(1, x)]).toEqual([math.sub(x, x), math.mul(3, x), math.div(1, x)]);
});

test("of tensors they act element by element, with broadcasting and numbers", async () => {
  const machine = openReference();
  const graph = new Graph({ machine });
  const [x, y] = [graph.input("x", [2, 2]), graph.input("y", [2])];
  const made: Record<string, Tensor> = {
    ...{ sum: add(x, y), difference: sub(x, y), product: mul(x, y), quotient: div(x, y) },
    ...{ more: add(x, 1), less: sub(1, x), twice: mul(2, x), inverse: div(1, x), same: mul(x, 1), none: mul(x, 0) },
  };
  for (const [name, tensor] of Object.entries(made)) graph.output(name, tensor);
  const executable = await compile(graph, { machine });
  executable.write("x", [1, 2, 4, 8]);
  executable.write("y", [2, 4]);
  executable.run();
  const read = await executable.readAll();
  expect(Object.fromEntries(Object.entries(read).map(([name, data]) => [name, Array.from(data)]))).toEqual({
    ...{ sum: [3, 6, 6, 12], difference: [-1, -2, 2, 4], product: [2, 8, 8, 32], quotient: [0.5, 0.5, 2, 2] },
    ...{ more: [2, 3, 5, 9], less: [0, -1, -3, -7], twice: [2, 4, 8, 16], inverse: [1, 0.5, 0.25, 0.125] },
    ...{ same: [1, 2, 4, 8], none: [0, 0, 0, 0] },
  });
  machine.close();
});

test("gradients are those of central differences", () =>
  expectGradients({ a: [2, 3], b: [3] }, { a: [1, 2, 3, 4, 5, 6], b: [2, -1, 3] }, ({ a, b }) =>
    div(sub(mul(a!, b!), a!), add(mul(b!, b!), 1)),
  ));

test("a tensor and an expression are no operands of one", () => {
  const graph = new Graph({ machine: openReference() });
  const mixed = [graph.input("x", [2]), math.variable("x")] as unknown as [number, number];
  for (const both of [mixed, mixed.toReversed() as typeof mixed])
    expect(() => add(...both)).toThrow(
      /expected two tensors, or a tensor and a number, got a tensor and an expression/,
    );
  expect(() => add(graph.input("z", [2]), null as never)).toThrow(/expected an expression or a number, got null/);
  expect(() => add(graph.input("y", [2]), "1" as never)).toThrow(/expected an expression or a number, got the string/);
});

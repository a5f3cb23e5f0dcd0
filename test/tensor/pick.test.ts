import { describe, expect, it } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import { square, variable } from "../../src/math/expression.ts";
import { mul } from "../../src/tensor/arithmetic.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { gather, pointwise, reduce, reshape } from "../../src/tensor/operations.ts";
import { pick } from "../../src/tensor/pick.ts";
import { derived, disposable, distinct, expectGradients } from "./gradients.ts";

const a = variable("a");

describe("pick", () => {
  const [x, indices] = [distinct(24, 4), [3, 0, 3, 1, 1, 2, 0, 0, 3, 2, 1, 0, 2, 2, 2, 0, 1, 3]];

  it("takes elements of the last axis, also the same one often", async () => {
    const result = await expectGradients(
      { x: [2, 3, 4] },
      { x, indices },
      (inputs) => pick(inputs.x!, inputs.indices!),
      { indices: [2, 3, 3] },
    );
    expect(result).toEqual(indices.map((index, k) => x[Math.floor(k / 3) * 4 + index]));
  });

  it("adds its gradient to what other uses have", async () => {
    for (const first of [true, false])
      await expectGradients(
        { x: [6, 4] },
        { x, indices },
        (inputs) => {
          const squares = () => reduce({ a: inputs.x! }, square(a), [1]);
          const [one, other] = first
            ? [pick(inputs.x!, inputs.indices!), squares()]
            : [squares(), pick(inputs.x!, inputs.indices!)];
          return mul(one, other);
        },
        { indices: [6, 3] },
      );
  });

  it("holds what is written to the axis, and refuses indices of other places", async () => {
    using machine = disposable(openReference());
    const graph = new Graph({ machine });
    const numbers = graph.input("x", [2, 4]);
    graph.output("picked", pick(numbers, graph.input("indices", [2, 1], { type: "int" })));
    expect(() => pick(numbers, graph.input("of three", [3, 1], { type: "int" }))).toThrow(
      "pick: expected indices of shape [2, K], got [3, 1]",
    );
    using executable = await compile(graph, { machine });
    expect(() => executable.write("indices", [0, 4])).toThrow(/element 1 is 4, .* from 0 to 3/);
  });
});

describe("whole numbers that are computed", () => {
  it("choose rows, rounded toward zero, and have no gradient", async () => {
    const { result, gradients } = await derived(
      { x: [4], table: [3, 1] },
      { x: [0.2, 1.9, -0.7, 2.5], table: [5, 6, 7] },
      (inputs) => {
        const rows = pointwise({ a: inputs.x! }, a, { type: "int" });
        expect(rows.range.type).toBe("int");
        expect(rows.differentiable).toBe(false);
        return mul(gather(rows, inputs.table!), reshape(inputs.x!, [4, 1]));
      },
    );
    [5, 6, 5, 7].forEach((row, k) => {
      expect(result[k]).toBe(row * [0.2, 1.9, -0.7, 2.5][k]!);
    });
    expect(gradients.table![1]).not.toBe(0);
  });
});

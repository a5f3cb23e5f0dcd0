import { describe, expect, it } from "vitest";
import type { Plan } from "../../src/compute/plan.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { mul, variable } from "../../src/math/expression.ts";

const a = { arena: "a", offset: 0, length: 3, type: "float" } as const;
const doubled: Plan = {
  launches: [
    {
      kernel: {
        op: "pointwise",
        shape: [3],
        inputs: { x: [1] },
        outputs: { out: { value: mul(2, variable("x")), strides: [1] } },
      },
      operands: { x: a, out: a },
    },
  ],
  arenas: { a: 3 },
  scalars: { first: { ...a, length: 1 } },
};

describe("the reference machine", () => {
  it("computes in float64", async () => {
    const machine = openReference();
    const arena = machine.arena("a", 3);
    const prepared = await machine.prepare(doubled, { a: arena });
    machine.write(arena, a, [1 / 3, 2, 3]);
    machine.run(prepared);
    expect(await machine.read(arena, a)).toEqual(Float64Array.of(2 / 3, 4, 6));
  });

  it("refuses an arena that is larger than the machine, with the figure", () => {
    expect(() => openReference().arena("activations", 2 ** 31)).toThrow(/"activations" needs 16 GiB/);
    const machine = openReference();
    expect(machine.limits).toMatchObject({ elementBytes: 8, float: "float64", threads: 1, family: "portable" });
  });
});

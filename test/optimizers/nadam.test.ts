import { expect, test } from "vitest";
import { nadam } from "../../src/optimizers/nadam.ts";
import { onMachines } from "../layers/on-machines.ts";
import { difference } from "../support/difference.ts";
import { descend } from "./descend.ts";

onMachines("nadam", (machine, _, name) => {
  test("as published, for 40 steps on a quadratic", async () => {
    const [rate, steps, b1, b2, decay] = [0.03, 40, 0.9, 0.99, 0.004];
    const result = await descend(machine(), nadam({ betas: [b1, b2] }), { rate, steps });
    const expected = result.start.map((start, k) => {
      let [p, m, v, product] = [start, 0, 0, 1];
      for (let t = 1; t <= steps; t++) {
        const g = result.curvature[k]! * p;
        const mu = b1 * (1 - 0.5 * 0.96 ** (t * decay));
        const next = b1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay));
        product *= mu;
        m = b1 * m + (1 - b1) * g;
        v = b2 * v + (1 - b2) * g * g;
        const mean = (next * m) / (1 - product * next) + ((1 - mu) * g) / (1 - product);
        p -= (rate * mean) / (Math.sqrt(v / (1 - b2 ** t)) + 1e-8);
      }
      return p;
    });
    expect(difference(result.parameters, expected)).toBeLessThan(name === "reference" ? 1e-10 : 1e-5);
  });

  test("the product of momenta is computed as well at step a million", () => {
    const scalars = nadam().scalars(1e6, 1);
    expect(scalars.ofMean).toBeCloseTo(0.9, 12);
    expect(scalars.ofGradient).toBeCloseTo(0.1, 12);
  });
});

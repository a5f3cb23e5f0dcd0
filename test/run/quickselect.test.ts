import fc from "fast-check";
import { expect, test } from "vitest";
import { quickselect, rankedBy } from "../../src/run/quickselect.ts";

test("the front is that of all tokens in their order, as short as is enough", () => {
  const values = fc.array(fc.constantFrom(-3, -1, -0, 0, 0.5, 2, 7), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(
      values,
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 200, maxLength: 200 }),
      fc.nat(400),
      (x, w, target) => {
        const [ranks, weights] = [Float64Array.from(x), Float64Array.from(w)];
        const order = [...x.keys()].sort(rankedBy(ranks));
        for (const weighted of [true, false]) {
          const enough = (sum: number): boolean => sum > target;
          let [count, sum] = [0, 0];
          for (; count < order.length && !enough(sum); count++) sum += weighted ? weights[order[count]!]! : 1;
          // Whatever order they come in; what lies behind `count` is left alone.
          const tokens = Int32Array.from([...x.keys()].reverse().concat(-1));
          const options = { values: ranks, enough, ...(weighted && { weights }) };
          expect(quickselect(tokens, x.length, options)).toBe(count);
          expect([...tokens.subarray(0, count)].sort((a, b) => order.indexOf(a) - order.indexOf(b))).toEqual(
            order.slice(0, count),
          );
          if (count > 0) expect(tokens[count - 1]).toBe(order[count - 1]);
          expect(tokens.at(-1)).toBe(-1);
        }
      },
    ),
    { numRuns: 300 },
  );
});

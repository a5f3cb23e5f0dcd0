import { expect, it } from "vitest";
import { sparkline } from "../../src/cli/sparkline.ts";

it("goes from the smallest to the largest value, as wide as there is room", () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 20)).toBe("▁▂▃▄▅▆▇█");
  expect(sparkline([5, 5, 5], 20)).toBe("▁▁▁");
  expect(sparkline([3], 20)).toBe("▁");
  expect(sparkline([], 20)).toBe("");
  // Each block is the mean of its part: 0.5, 2.5, 4.5, 6.5.
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 4)).toBe("▁▃▆█");
  // Parts that are not of one size: means of 3, 3 and of 0, 3, 3.
  expect(sparkline([3, 3, 0, 3, 3], 2)).toBe("█▁");
  expect(sparkline([1, -1], 2)).toBe("█▁");
});

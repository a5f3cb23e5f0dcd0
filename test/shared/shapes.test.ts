import { expect, test } from "vitest";
import { formatBytes, formatShape, sameShape, size, strides } from "../../src/shared/shapes.ts";
import { difference } from "../support/difference.ts";

test("shapes", () => {
  expect(size([4, 6, 5])).toBe(120);
  expect(size([])).toBe(1);
  expect(size([3, 0])).toBe(0);
  expect(strides([4, 6, 5])).toEqual([30, 5, 1]);
  expect(strides([])).toEqual([]);
  expect(sameShape([2, 3], [2, 3])).toBe(true);
  expect(sameShape([2, 3], [2, 3, 1])).toBe(false);
  expect(sameShape([2, 3], [3, 2])).toBe(false);
  expect(formatShape(["B", 6])).toBe("[B, 6]");
});

test("formatBytes", () => {
  expect(formatBytes(0)).toBe("0 B");
  expect(formatBytes(1023)).toBe("1023 B");
  expect(formatBytes(1024)).toBe("1 KiB");
  expect(formatBytes(1.5 * 2 ** 20)).toBe("1.5 MiB");
  expect(formatBytes(2 ** 30 - 1)).toBe("1 GiB");
  expect(formatBytes(20 * 2 ** 30)).toBe("20 GiB");
});

test("difference", () => {
  expect(difference([1, 2], [1, 2])).toBe(0);
  expect(difference([1, 2.5], [1, 2])).toBe(0.25);
  expect(difference([1e-3, 0], [0, 0])).toBe(1);
  expect(difference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
  expect(difference([Number.NaN], [Number.NaN])).toBe(Number.POSITIVE_INFINITY);
  expect(difference([Number.POSITIVE_INFINITY, 1], [Number.POSITIVE_INFINITY, 1])).toBe(0);
  expect(difference([1, 1], [Number.POSITIVE_INFINITY, 1])).toBe(Number.POSITIVE_INFINITY);
});

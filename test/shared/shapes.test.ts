import fc from "fast-check";
import { expect, test } from "vitest";
import {
  broadcastStrides,
  formatBytes,
  formatShape,
  overlaps,
  sameShape,
  size,
  strides,
} from "../../src/shared/shapes.ts";
import { dot, indices } from "../machines/harness.ts";
import { difference } from "../support/difference.ts";

test("shapes", () => {
  expect(size([4, 6, 5])).toBe(120);
  expect(size([])).toBe(1);
  expect(size([3, 0])).toBe(0);
  expect(strides([4, 6, 5])).toEqual([30, 5, 1]);
  expect(strides([])).toEqual([]);
  expect(sameShape([2, 3], [2, 3])).toBe(true);
  expect(sameShape([2, 3], [2, 3, 1])).toBe(false);
  expect(sameShape([2, 3], [2, 4])).toBe(false);
  expect(sameShape([2, 3], [3, 3])).toBe(false);
  expect(formatShape(["B", 6])).toBe("[B, 6]");
});

test("indices that do not overlap reach as many elements as there are; those of permuted dense strides do not", () => {
  const extents = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 0, maxLength: 3 });
  const some = extents.chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: shape.length, maxLength: shape.length }),
    ),
  );
  const reached = (shape: readonly number[], by: readonly number[]) =>
    new Set([...indices(shape)].map((index) => dot(index, by))).size;
  fc.assert(
    fc.property(some, ([shape, by]) => {
      if (!overlaps(shape, by)) expect(reached(shape, by)).toBe(size(shape));
      // Where one step repeats an element, or two axes of at least two elements have the same step, something is reached twice.
      const steps = by.filter((_, axis) => shape[axis]! > 1);
      if (size(shape) > 0 && (steps.includes(0) || new Set(steps).size < steps.length))
        expect(overlaps(shape, by)).toBe(true);
      const order = shape.map((_, axis) => axis).sort((p, q) => by[p]! - by[q]!);
      const dense = strides(shape);
      expect(
        overlaps(
          order.map((axis) => shape[axis]!),
          order.map((axis) => dense[axis]!),
        ),
      ).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test("strides of a broadcast read the element that has the same index, or the only one there is", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean()), { maxLength: 4 }),
      fc.nat(4),
      (axes, skip) => {
        const to = axes.map(([n]) => n);
        const from = axes.slice(skip).map(([n, one]) => (one ? 1 : n));
        const by = broadcastStrides(from, to);
        for (const index of indices(to)) {
          const own = index.slice(skip).map((i, axis) => Math.min(i, from[axis]! - 1));
          expect(dot(index, by)).toBe(dot(own, strides(from)));
        }
      },
    ),
    { numRuns: 100 },
  );
});

test("formatBytes", () => {
  expect(formatBytes(0)).toBe("0 B");
  expect(formatBytes(1023)).toBe("1023 B");
  expect(formatBytes(1024)).toBe("1 KiB");
  expect(formatBytes(1.5 * 2 ** 20)).toBe("1.5 MiB");
  expect(formatBytes(2 ** 30 - 1)).toBe("1 GiB");
  expect(formatBytes(20 * 2 ** 30)).toBe("20 GiB");
  expect(formatBytes(-1.25 * 2 ** 20)).toBe("-1.3 MiB");
  // A figure stays below the next unit as it is printed, and behind the last one there is none.
  for (const [k, unit] of ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].entries()) {
    const next = 1024 ** (k + 1);
    expect(formatBytes(next * 0.99996)).toBe(`1 ${unit}`);
    expect(formatBytes((1023.95 * next) / 1024)).toBe(`1 ${unit}`);
    expect(formatBytes(next * 1000.01)).toBe(`1000 ${unit}`);
  }
  expect(formatBytes(5 * 1024 ** 7)).toBe("5120 EiB");
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

import { expect, test } from "vitest";
import { philox4x32 } from "../../src/shared/philox.ts";

// Known answers published with the Random123 library.
const ONES = 0xffffffff;
test.each([
  {
    counter: [0, 0, 0, 0],
    key: [0, 0],
    words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    counter: [ONES, ONES, ONES, ONES],
    key: [ONES, ONES],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
] as const)("philox4x32 of $counter gives the published words", ({ counter, key, words }) => {
  expect(philox4x32(counter, key)).toEqual(words);
});

test("the high product agrees with exact arithmetic through the whole generator", () => {
  // The same ten rounds in BigInt, over counters that make the partial sums carry.
  const exact = (counter: readonly number[], key: readonly number[]): number[] => {
    let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
    let [k0, k1] = key.map(BigInt) as [bigint, bigint];
    const mask = 0xffffffffn;
    for (let round = 0; round < 10; round++) {
      const p0 = 0xd2511f53n * c0;
      const p1 = 0xcd9e8d57n * c2;
      [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
      [k0, k1] = [(k0 + 0x9e3779b9n) & mask, (k1 + 0xbb67ae85n) & mask];
    }
    return [c0, c1, c2, c3].map(Number);
  };
  for (let i = 0; i < 500; i++) {
    const word = (k: number): number => Math.imul(i * 7 + k, 0x9e3779b1) >>> 0;
    const counter = [word(1), word(2), word(3), word(4)] as const;
    const key = [word(5), word(6)] as const;
    expect(philox4x32(counter, key)).toEqual(exact(counter, key));
  }
});

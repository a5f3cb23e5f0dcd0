import { expect, test } from "vitest";
import { RecentTokens } from "../../src/run/recent-tokens.ts";
import { RandomStream } from "../../src/shared/random.ts";

test("what came lately is what the last tokens of all are, whatever counts as lately, in memory of the vocabulary", () => {
  const [recent, all] = [new RecentTokens(), [] as number[]];
  expect([...recent.within(5)]).toEqual([]);
  for (const u of new RandomStream(1, "tokens").uniform(300)) {
    const token = Math.floor(20 * u * u);
    recent.push(token);
    all.push(token);
    for (const window of [0, 1, 2, 7, 64, 1000])
      expect(new Set(recent.within(window))).toEqual(new Set(all.slice(Math.max(0, all.length - window))));
  }
  for (let k = 0; k < 10_000; k++) recent.push(k % 20);
  expect(recent.size).toBe(20);
});

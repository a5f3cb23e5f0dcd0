import { describe, expect, test } from "vitest";
import { LongshortError } from "../../src/shared/errors.ts";
import { mutate, randomOf } from "./mutate.ts";
import { PARSERS } from "./parsers.ts";

/** A short run; `node scripts/fuzz.mjs --minutes N` is the long one. */
const MUTATIONS = 300;

describe.each(PARSERS)("$name", ({ name, seeds, parse }) => {
  const files = seeds();

  // Among them are hostile ones, and weights of another model than the one they are read with.
  test("undamaged files are read, or refused by an ordinary error", async () => {
    let read = 0;
    for (const file of files)
      await parse(file).then(
        () => read++,
        (error) => expect(error).toBeInstanceOf(LongshortError),
      );
    expect(read).toBeGreaterThan(0);
  });

  test(`${MUTATIONS} damaged files end in an ordinary error or are read, within 2 s each`, async () => {
    let refused = 0;
    for (let seed = 0; seed < MUTATIONS; seed++) {
      const random = randomOf(seed, name);
      const bytes = mutate(files[Math.floor(random() * files.length)]!, random);
      const start = performance.now();
      const error = await parse(bytes).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      if (error !== undefined) {
        expect(error, `seed ${seed}: ${error instanceof Error ? error.stack : error}`).toBeInstanceOf(LongshortError);
        refused++;
      }
      expect(performance.now() - start, `seed ${seed}`).toBeLessThan(2000);
    }
    expect(refused).toBeGreaterThan(MUTATIONS / 10);
  });
});

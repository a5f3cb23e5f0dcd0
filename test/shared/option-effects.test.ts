import { describe, expect, it } from "vitest";
import { publicOptions, titleOf } from "../support/public-options.ts";
import { effects } from "./option-effects/all.ts";

/*
 * What each option of the library does. That every option which the types of the package show has its entry is looked at in options.test.ts.
 */

/** What may be left out, by the place. */
const optional = new Map(
  publicOptions().map((one) => [
    titleOf(one),
    one.options.flatMap((name) => (name.endsWith("?") ? [name.slice(0, -1)] : [])),
  ]),
);

describe("options of the library change what comes", () => {
  for (const [place, entry] of Object.entries(effects)) {
    if ("sameAs" in entry) continue;
    const { base, options } = entry;
    const observe = entry.observe as (options: object) => unknown;
    it(place, async () => {
      const plain = await observe(base);
      // Else anything would seem to have an effect.
      expect(await observe(base), "twice the same call").toEqual(plain);
      const undefineds = Object.fromEntries((optional.get(place) ?? []).map((name) => [name, undefined]));
      expect(await observe({ ...undefineds, ...base }), "undefined as if it were left out").toEqual(plain);
      for (const [name, shown] of Object.entries(options)) {
        const [without, with_] =
          typeof shown === "function"
            ? await shown()
            : [
                shown[1] ? await observe({ ...base, ...shown[1] }) : plain,
                await observe({ ...base, ...shown[1], [name]: shown[0] }),
              ];
        expect(with_, `${place}: ${name} changes nothing`).not.toEqual(without);
      }
    });
  }
});

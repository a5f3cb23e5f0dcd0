import { expect, test, vi } from "vitest";
import { FEATURES, type Feature, follower } from "../../playground/src/sequence/features.ts";
import { orderedUnits } from "../../playground/src/sequence/order.ts";

vi.hoisted(() => {
  Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
});

/** A band from what each of its units does. */
function bandOf(name: string, ...units: readonly (readonly number[])[]) {
  const data = Float32Array.from(
    { length: units.length * units[0]!.length },
    (_, k) => units[k % units.length]![Math.floor(k / units.length)]!,
  );
  return { name, title: name, units: units.length, data };
}

/** What each feature is after each token. */
const held: Readonly<Record<Feature, readonly [text: string, numbers: readonly number[]]>> = {
  brackets: ["a([b}])c)", [0, 1, 2, 2, 1, 0, 0, 0, 0]],
  quotes: ['a"b"`c\n"d', [0, 1, 1, 0, 1, 1, 0, 1, 1]],
  line: ["ab\nc\n\nde", [1, 2, 0, 1, 0, 0, 1, 2]],
  words: ["a_1 é,中", [1, 1, 1, 0, 1, 0, 1]],
};

test.each(FEATURES)(
  "the unit that follows %s is found: the state's, whichever its sign, the closest one",
  (feature) => {
    const [text, numbers] = held[feature];
    const tokens = [...text];
    const noise = tokens.map((_, t) => Math.sin(7 * t));
    const bands = [
      bandOf("f", numbers),
      bandOf(
        "c",
        noise,
        numbers.map((v, t) => v + 0.3 * noise[t]!),
      ),
      bandOf(
        "h",
        noise,
        noise,
        numbers.map((v) => 1 - 2 * v),
      ),
    ];
    const found = follower(feature, tokens, bands)!;
    expect(found).toMatchObject({ feature, band: 2, unit: 2 });
    expect(found.correlation).toBeCloseTo(-1, 5);
    expect(follower(feature, tokens, bands.slice(0, 2))).toMatchObject({ band: 1, unit: 1 });
    expect(follower(feature, tokens, bands.slice(0, 1))).toBeUndefined();
    // A feature that the text has nothing of is followed by none.
    expect(
      follower(
        feature,
        tokens.map(() => (feature === "line" ? "\n" : " ")),
        bands,
      ),
    ).toBeUndefined();
  },
);

test("units in the order of how slowly they move, beside a straight line, those that stand still last", () => {
  const steps = Array.from({ length: 40 }, (_, t) => t);
  const band = bandOf(
    "h",
    steps.map((t) => Math.sin(2 * t)),
    steps.map(() => 0.5),
    steps.map((t) => Math.sin(t / 4)),
    steps.map((t) => t / 40 + Math.sin(t) / 9),
  );
  expect(orderedUnits(band, 40, "change")).toEqual([2, 3, 0, 1]);
  expect(orderedUnits(band, 40, "number")).toEqual([0, 1, 2, 3]);
  expect(orderedUnits(undefined, 40, "change")).toEqual([]);
});

test("units in a chain, each beside the one left that is most like it, from the first", () => {
  const wave = (from: number) => Array.from({ length: 500 }, (_, t) => 3 + Math.sin(t / 9 + from));
  const band = bandOf(
    "h",
    wave(0),
    wave(1.1),
    wave(0.3),
    wave(0.7),
    wave(0).map((v) => -v),
  );
  expect(orderedUnits(band, 500, "cluster")).toEqual([0, 2, 3, 1, 4]);
  // What comes after the thousandth step is not looked at.
  const long = (own: number) =>
    Array.from({ length: 2000 }, (_, t) => (t < 1000 ? Math.sin(t / 9 + own) : Math.sin((7 + own) * t)));
  expect(orderedUnits(bandOf("h", long(0), long(2), long(1)), 2000, "cluster")).toEqual([0, 2, 1]);
});

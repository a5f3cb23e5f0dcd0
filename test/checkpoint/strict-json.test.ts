import fc from "fast-check";
import { expect, test } from "vitest";
import { parseStrictJson, type StrictJson } from "../../src/checkpoint/strict-json.ts";

function plain(value: StrictJson): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...(value as ReadonlyMap<string, StrictJson>)].map(([key, item]) => [key, plain(item)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

test("agrees with JSON.parse on what both accept", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text));
    }),
  );
});

test("refuses what JSON.parse refuses", () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 2 }),
      fc.nat(),
      fc.constantFrom("", '"', "}", "[", ",", "\u0001", "-", "\\"),
      (text, at, cut) => {
        const broken = text.slice(0, at % text.length) + cut + text.slice((at % text.length) + 1);
        let accepted = true;
        try {
          JSON.parse(broken);
        } catch {
          accepted = false;
        }
        if (!accepted) expect(() => parseStrictJson(broken)).toThrow(SyntaxError);
      },
    ),
  );
});

test("refuses what JSON.parse lets pass", () => {
  expect(() => parseStrictJson('{"a": 1, "a": 2}')).toThrow('the key "a" appears twice at position 9');
  expect(() => parseStrictJson('{"a": 1, "\\u0061": 2}')).toThrow("appears twice");
  expect(() => parseStrictJson('"\\ud800"')).toThrow("surrogate");
  expect(() => parseStrictJson("[".repeat(100000))).toThrow("nested more than 16 deep");
});

test("a key named __proto__ is a key like any other", () => {
  const value = parseStrictJson('{"__proto__": {"polluted": true}}') as ReadonlyMap<string, StrictJson>;
  expect([...value.keys()]).toEqual(["__proto__"]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

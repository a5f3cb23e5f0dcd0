import { expect, test } from "vitest";
import { Config } from "../../../src/formats/keras/config.ts";

const config = Config.parse('{"n": 1.5, "t": "a", "l": [1, -1], "one": [2], "none": null, "f": true, "o": {}}', "here");

test("a configuration says what it expected where", () => {
  expect([config.number("n"), config.text("t"), config.flag("f", false), config.whole("one")]).toEqual([
    1.5,
    "a",
    true,
    2,
  ]);
  expect([config.number("none", 3), config.text("no", "b"), config.flag("no", true), config.whole("no", 1, 4)]).toEqual(
    [...[3, "b", true, 4]],
  );
  expect([config.has("none"), config.lacks("none"), config.lacks("no")]).toEqual([false, false, true]);
  expect(config.wholes("l", -1)).toEqual([1, -1]);
  for (const [read, message] of [
    [() => config.list("n"), "here, n: expected a list, got 1.5"],
    [() => config.text("n"), "here, n: expected a string, got 1.5"],
    [() => config.text("none"), "here, none: expected a string, got nothing"],
    [() => config.flag("t", true), 'here, t: expected true or false, got the string "a"'],
    [() => config.number("t"), 'here, t: expected a number, got the string "a"'],
    [() => config.whole("n"), "here, n: expected a whole number of at least 1, got 1.5"],
    [() => config.whole("l"), "here, l: expected a whole number of at least 1, got an array of 2"],
    [() => config.whole("one", 3), "here, one: expected a whole number of at least 3, got an array of 1"],
    [() => config.wholes("l", 0), "here, l: expected whole numbers of at least 0, got an array of 2"],
    [() => Config.parse('{"l": [1.5]}', "here").wholes("l", 0, "sizes"), "here, l: expected sizes, got an array of 1"],
    [() => config.object("t"), 'here, t: expected an object, got the string "a"'],
    [() => Config.parse("[", "here"), "here: "],
  ] as const)
    expect(read).toThrow(message);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { among, countOf, readAddress, takeAsked, tellAddress, unless } from "../../playground/src/address.ts";
import { roomInAddress, takePlace, takeRoom } from "../../playground/src/sequence/in-address.ts";
import { room } from "../../playground/src/sequence/pane.ts";
import { bounded, chooseData, chosen, trainingChoice, wordsOf } from "../../playground/src/training/choice.ts";
import { choiceInAddress, keepChoice, restoreChoice, takeChoice } from "../../playground/src/training/stored-choice.ts";

const { stored } = vi.hoisted(() => {
  const stored = new Map<string, string>();
  const storage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, v: string) => stored.set(key, v),
  };
  const define = (name: string, value: unknown) =>
    Object.defineProperty(globalThis, name, { value, configurable: true });
  define("navigator", { language: "en" });
  define("location", { hash: "" });
  define("localStorage", storage);
  const replaceState = (...[, , hash]: [unknown, string, string]): void => {
    location.hash = hash;
  };
  define("history", { state: 7, replaceState });
  return { stored };
});
const first = structuredClone(chosen);
const reset = () => void Object.assign(chosen, structuredClone(first));
beforeEach(() => {
  reset();
  stored.clear();
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

test("an address is a room, what stands behind it, and what is asked there, once", () => {
  location.hash = "#/cell/own/a%3Fb?step=5&text=a?b";
  expect(readAddress()).toEqual({ room: "cell", rest: ["own", "a%3Fb"], asked: "step=5&text=a?b" });
  expect([...takeAsked()!]).toEqual([
    ["step", "5"],
    ["text", "a?b"],
  ]);
  expect(takeAsked()).toBeUndefined();
  for (const hash of ["", "#", "#/"]) {
    location.hash = hash;
    expect(readAddress()).toEqual({ room: "", rest: [], asked: "" });
    expect(takeAsked()).toBeUndefined();
  }
});

test("what is looked at is told after a while, the last of it, unless another room has been gone to", () => {
  const replaced = vi.spyOn(history, "replaceState");
  location.hash = "#/cell/lstm";
  tellAddress("cell/lstm", { step: "1", cut: ["2", "3"], none: undefined });
  tellAddress("cell/lstm", { step: "4", cut: ["2", "3"], none: undefined });
  vi.advanceTimersByTime(399);
  expect(location.hash).toBe("#/cell/lstm");
  vi.advanceTimersByTime(1);
  expect(location.hash).toBe("#/cell/lstm?step=4&cut=2&cut=3");
  expect(replaced).toHaveBeenCalledExactlyOnceWith(7, "", location.hash);
  // What the page itself wrote asks for nothing.
  expect(takeAsked()).toBeUndefined();
  tellAddress("cell/lstm", { step: "4", cut: ["2", "3"] });
  vi.advanceTimersByTime(400);
  tellAddress("cell/lstm", { step: "9" });
  location.hash = "#/sequence";
  vi.advanceTimersByTime(400);
  expect(location.hash).toBe("#/sequence");
  // An address that was typed meanwhile is not written over.
  tellAddress("sequence", { unit: "3" });
  location.hash = "#/sequence?unit=5";
  expect(takeAsked()!.get("unit")).toBe("5");
  vi.advanceTimersByTime(400);
  expect(location.hash).toBe("#/sequence?unit=5");
  expect(replaced).toHaveBeenCalledOnce();
  tellAddress("sequence", {});
  vi.advanceTimersByTime(400);
  expect(location.hash).toBe("#/sequence");
});

test("values of an address are those that there are, others none", () => {
  expect([unless(3, 3), unless(4, 3), unless("a", "b")]).toEqual([undefined, "4", "a"]);
  expect([among("b", ["a", "b"]), among("c", ["a", "b"]), among(null, ["a"])]).toEqual(["b", undefined, undefined]);
  expect(["0", "123456", "1234567", "-1", "1.5", "", null].map(countOf)).toEqual([
    0,
    123456,
    ...new Array(5).fill(undefined),
  ]);
});

test("a choice of training is the same after its address, and after another visit", () => {
  const { settings } = first;
  for (const some of [
    {},
    { data: "copy", lag: 7, settings: { ...settings, cell: "gru", optimizer: "sgd", learningRate: 0.5 } },
    { data: "adding", lag: 60, settings: { ...settings, cell: "rnn", hiddenSize: 256, numLayers: 3 } },
    { data: "series", settings: { ...settings, sequenceLength: 2, clipNorm: Number.POSITIVE_INFINITY } },
    { settings: { ...settings, cell: "min-gru", optimizer: "adagrad" } },
  ] as const) {
    Object.assign(chosen, structuredClone({ ...first, ...some }));
    const wanted = structuredClone(chosen);
    const said = Object.entries(choiceInAddress()).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    );
    expect(said.length).toBe(Object.keys({ ...some, settings: undefined }).length - 1 + changed(wanted.settings));
    keepChoice();
    reset();
    takeChoice(new URLSearchParams(said));
    expect(chosen).toEqual(wanted);
    reset();
    restoreChoice();
    expect(chosen).toEqual(wanted);
  }
  // Texts and cells of one's own are kept, and in no address.
  Object.assign(chosen, {
    data: "own",
    own: "abc",
    series: "1 2",
    settings: { ...settings, cell: wordsOf("h = tanh(h)") },
  });
  const own = structuredClone(chosen);
  expect(choiceInAddress()).toMatchObject({ data: "own", cell: undefined });
  expect(trainingChoice()).toMatchObject({ text: "abc", probe: "abc", cell: wordsOf("h = tanh(h)") });
  keepChoice();
  reset();
  restoreChoice();
  expect(chosen).toEqual(own);
  function changed(now: typeof settings): number {
    return (Object.keys(settings) as (keyof typeof settings)[]).filter((key) => now[key] !== settings[key]).length;
  }
});

test("what cannot be chosen is not taken, from an address or from storage; numbers are brought to their bounds", () => {
  takeChoice(new URLSearchParams("data=all&cell=cnn&optimizer=lion&clip=maybe&lag=x&units=a&layers=9&rate=0&back=3.6"));
  expect(chosen).toEqual({
    ...first,
    settings: { ...first.settings, hiddenSize: 2, numLayers: 3, learningRate: 0.0001, sequenceLength: 4 },
  });
  expect([
    bounded("lag", 1),
    bounded("lag", 99),
    bounded("learningRate", 99),
    bounded("hiddenSize", Number.NaN),
  ]).toEqual([...[2, 60, 10, 2]]);
  for (const text of [
    "{",
    "null",
    JSON.stringify({ data: 3, lag: "9", own: 1, series: null, settings: { cell: {}, optimizer: 1, hiddenSize: "7" } }),
  ]) {
    reset();
    stored.set("playground-training", text);
    restoreChoice();
    expect(chosen).toEqual(first);
  }
  // Numbers are read by cells that a state dictionary can hold.
  for (const [cell, then] of [
    ["min-gru", "gru"],
    [wordsOf("h = 1"), "gru"],
    ["rnn", "rnn"],
  ] as const) {
    chosen.settings = { ...first.settings, cell };
    chooseData("own");
    expect(chosen.settings.cell).toEqual(cell);
    chooseData("series");
    expect(chosen.settings.cell).toBe(then);
  }
  chosen.series = "2 -4 1";
  expect(trainingChoice()).toMatchObject({
    text: "",
    numbers: { task: "series", data: Float32Array.of(0.5, -1, 0.25) },
  });
  Object.assign(chosen, { data: "adding", lag: 3 });
  expect(trainingChoice().numbers).toEqual({ task: "adding", steps: 4 });
});

test("what is looked at in a sequence is the same after its address", () => {
  const start = { ...room };
  const pane = {
    ...{
      source: "text-gru",
      place: { band: 1, unit: 3, step: 20 },
      moved: true,
      layer: 1,
      bands: [{ name: "f" }, { name: "h" }],
    },
    ...{
      cut: new Set([3, 5]),
      gates: [
        { gate: "f", value: 1 },
        { gate: "o", value: 0 },
      ],
    },
  };
  const said = (panes: readonly object[]) =>
    Object.entries(roomInAddress(panes as never)).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    );
  const atFirst = { ...pane, source: "text-lstm", moved: false, layer: 0, cut: new Set(), gates: [] };
  expect(said([atFirst])).toEqual([]);
  expect(said([{ ...pane, source: "own" }])).toEqual([]);
  Object.assign(room, { text: "other", series: "1 2", sort: "number", feature: "line" });
  const asked = new URLSearchParams(said([pane, pane]));
  expect(asked.get("cells")).toBe("2");
  const looked = { ...room };
  Object.assign(room, start);
  expect(takeRoom(asked)).toBe("text-gru");
  expect(room).toEqual(looked);
  expect(takePlace(asked)).toEqual({
    ...{ layer: 1, unit: 3, step: 20, value: "h", cut: [3, 5], hold: pane.gates },
  });
  // Nothing is asked of what is not there, and what is long is left out.
  Object.assign(room, start, { text: "x".repeat(1501), feature: undefined });
  expect(said([atFirst])).toEqual(start.feature === undefined ? [] : [["follow", "none"]]);
  expect(takeRoom(new URLSearchParams("model=own&order=size&follow=none&text="))).toBeUndefined();
  expect(room).toEqual({ ...start, text: "x".repeat(1501), feature: undefined });
  expect(takePlace(new URLSearchParams("unit=-1&cut=a,2,&hold=f:2,o:1,:0"))).toEqual({
    ...{
      layer: undefined,
      unit: undefined,
      step: undefined,
      value: undefined,
      cut: [2],
      hold: [{ gate: "o", value: 1 }],
    },
  });
  Object.assign(room, start);
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clock,
  counted,
  csvLine,
  dayOf,
  duration,
  percent,
  perplexity,
  quoted,
  short,
  table,
  timeOfDay,
} from "../../src/cli/format.ts";
import {
  bar,
  ProgressDisplay,
  type ProgressState,
  progressLine,
  progressLogLine,
  validationLine,
} from "../../src/cli/progress.ts";
import { displayWidth } from "../../src/explain/display-width.ts";
import { textOutput } from "./fake-output.ts";

const state: ProgressState = {
  step: 340,
  steps: 1000,
  epoch: 2,
  epochs: 5,
  loss: 1.7341,
  itemsPerSecond: 21_340,
  items: "tokens",
  secondsLeft: 45.2,
};

describe("the line of progress", () => {
  it("shows everything where there is room", () => {
    expect(progressLine(state, 120)).toBe(
      `${bar(0.34, 30)}  34 %  epoch 2/5  step 340/1,000  loss 1.734  21.3k tokens/s  0:45 left`,
    );
    expect(progressLogLine(state)).toBe(" 34 %  epoch 2/5  step 340/1,000  loss 1.734  21.3k tokens/s  0:45 left");
  });

  it.each([
    [100, `${bar(0.25, 30)}  25 %  validating  1,000/4,000  1:30 left`],
    [40, `${bar(0.25, 10)}  25 %  validating  1:30 left`],
  ])("says at %d columns that it validates and how far it is", (columns, line) => {
    expect(validationLine({ done: 1000, total: 4000, secondsLeft: 90 }, columns)).toBe(line);
    expect(line.length).toBeLessThan(columns);
  });

  it("keeps percentage, loss and time left at 40 columns", () => {
    const line = progressLine({ ...state, secondsLeft: 36_000 }, 40);
    for (const part of ["34 %", "loss 1.734", "10:00:00 left"]) expect(line).toContain(part);
    expect(line.length).toBeLessThan(40);
  });

  it("fits any width from 40 to 200, with any numbers", () => {
    const count = fc.integer({ min: 0, max: 1e9 });
    const real = fc.double({ min: 0, max: 1e6 });
    fc.assert(
      fc.property(
        fc.integer({ min: 40, max: 200 }),
        fc.record({
          step: count,
          steps: count,
          epoch: count,
          epochs: count,
          loss: real,
          itemsPerSecond: real,
          items: fc.constant("tokens"),
          secondsLeft: real,
        }),
        (columns, any) => {
          const line = progressLine(any, columns);
          expect(line.length).toBeLessThan(columns);
          expect(line).toContain(`loss ${any.loss.toFixed(3)}`);
          expect(line).toContain("%");
          expect(line).not.toMatch(/[\n\r]/);
        },
      ),
    );
    expect(
      progressLine(
        { ...state, loss: Number.NaN, secondsLeft: Number.POSITIVE_INFINITY, itemsPerSecond: Number.NaN },
        80,
      ),
    ).toMatch(/loss NaN {2}– tokens\/s {2}–:–– left$/);
  });

  it("has a bar of exactly its width that only grows", () => {
    for (let width = 1; width < 40; width++) {
      const drawn = Array.from({ length: 101 }, (_, k) => bar(k / 100, width));
      for (const one of drawn) expect([...one]).toHaveLength(width);
      const full = drawn.map((one) => [...one].filter((c) => c === "█").length);
      expect(full).toEqual([...full].sort((a, b) => a - b));
      expect(drawn[0]).toBe("░".repeat(width));
      expect(drawn[100]).toBe("█".repeat(width));
    }
  });
});

describe("the display of progress", () => {
  function display(live: boolean) {
    const out = textOutput({ isTTY: live, columns: 80 });
    let time = 0;
    const shown = new ProgressDisplay({ out, live, now: () => time });
    return { out, shown, pass: (ms: number) => (time += ms) };
  }

  it("draws over one line on a terminal, at most ten times a second", async () => {
    const { out, shown, pass } = display(true);
    shown.update(state);
    await Promise.resolve();
    pass(50);
    shown.update({ ...state, step: 341 });
    pass(60);
    shown.update({ ...state, step: 500 });
    shown.end();
    const line = progressLine(state, 80);
    const next = progressLine({ ...state, step: 500 }, 80);
    expect(out.text).toBe(`\r${line}\u001b[K\r${next}\u001b[K\r\u001b[K`);
  });

  it("of a validation is drawn over, and in a log a whole line every five seconds", () => {
    const state = { done: 1000, total: 4000, secondsLeft: 90 };
    const terminal = display(true);
    terminal.shown.validating(state);
    expect(terminal.out.text).toBe(`\r${validationLine(state, 80)}\u001b[K`);
    const log = display(false);
    for (let k = 0; k < 12; k++) {
      log.shown.validating({ ...state, done: 1000 + k });
      log.pass(1000);
    }
    expect(log.out.text).toBe(
      [1005, 1010].map((n) => ` 25 %  validating  ${n.toLocaleString("en")}/4,000  1:30 left\n`).join(""),
    );
    expect(display(true).out.text).toBe("");
  });

  it("prints whole lines every five seconds in a log", () => {
    const { out, shown, pass } = display(false);
    for (let step = 0; step < 130; step++) {
      shown.update({ ...state, step });
      pass(100);
    }
    shown.note("not in a log");
    shown.log("done");
    shown.end();
    expect(out.text).toBe(`${[50, 100].map((step) => `${progressLogLine({ ...state, step })}\n`).join("")}done\n`);
    for (const control of ["\r", "\u001b"]) expect(out.text).not.toContain(control);
  });
});

describe("numbers for people", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [999_960, "1.0M"],
    [21_340, "21.3k"],
    [4_100_000, "4.1M"],
  ])("%d is %s", (value, text) => expect(short(value)).toBe(text));

  it.each([
    [0, "0:00"],
    [59.6, "1:00"],
    [3599.9, "1:00:00"],
    [3723, "1:02:03"],
  ])("%d seconds are %s on a clock", (value, text) => expect(clock(value)).toBe(text));

  it.each([
    [4.21, "4.2 s"],
    [59.97, "1 min 0 s"],
    [72, "1 min 12 s"],
    [7500, "2 h 5 min"],
  ])("%d seconds last %s", (value, text) => expect(duration(value)).toBe(text));

  it.each([
    [1.4689, "4.34"],
    [28.8149, "3.27e+12"],
    [6133, "∞"],
  ])("a mean loss of %d nats is a perplexity of %s", (nats, text) => expect(perplexity(nats)).toBe(text));

  it("are shares, counts and times of the place", () => {
    expect([
      percent(0.935),
      percent(0),
      counted(1, "file"),
      counted(1200, "file"),
      counted(2, "class", "classes"),
    ]).toEqual(["93.5 %", "0.0 %", "1 file", "1,200 files", "2 classes"]);
    const date = new Date(2026, 0, 5, 7, 8, 9);
    expect([dayOf(date), timeOfDay(date)]).toEqual(["2026-01-05", "07:08:09"]);
  });

  it("stand in CSV beside what needs quotes", () => {
    expect(csvLine(["a", 'b "c"', "d,e", "f\ng", ""])).toBe('a,"b ""c""","d,e","f\ng",\n');
  });

  it("align in a table", () => {
    expect(
      table([
        ["", "nats"],
        ["unigram", "3.3"],
        ["lstm", "10.25"],
      ]),
    ).toBe("          nats\nunigram    3.3\nlstm     10.25");
  });

  it("are listed row by row where a terminal is narrower than their table", () => {
    const rows = [
      ["run", "cell", "loss", "of", "ended"],
      ["runs/novel", "lstm", "1.2500", "validation", ""],
      ["runs/小说", "gru", "1.5000", "validation", "stopped"],
    ];
    const lines = table(rows).split("\n");
    expect(lines.map(displayWidth)).toEqual([45, 36, 45]);
    expect(table(rows, { isTTY: true, columns: 45 })).toBe(table(rows));
    expect(table(rows, { isTTY: false, columns: 30 })).toBe(table(rows));
    expect(table(rows, { isTTY: true, columns: 30 })).toBe(
      [
        "run",
        "runs/novel",
        "  cell lstm  loss 1.2500",
        "  of validation",
        "runs/小说",
        "  cell gru  loss 1.5000",
        "  of validation  ended stopped",
      ].join("\n"),
    );
  });

  it("are quoted for a shell where they must be", () => {
    expect(quoted("runs/a-b_1.txt")).toBe("runs/a-b_1.txt");
    expect(quoted("it's here")).toBe("'it'\\''s here'");
    expect(quoted("")).toBe("''");
  });
});

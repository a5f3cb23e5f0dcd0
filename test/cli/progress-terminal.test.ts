import { setImmediate } from "node:timers/promises";
import { Terminal } from "@xterm/headless";
import { describe, expect, test } from "vitest";
import type { Output } from "../../src/cli/io.ts";
import { ProgressDisplay, progressLine } from "../../src/cli/progress.ts";

/*
 * What a person sees: a terminal in a program (xterm's own parser and reflow) takes what the display writes, and after every write its
 * screen must hold the lines that were said, whole and in order, and below them nothing but the line of progress.
 */

const WIDTHS = [40, 41, 55, 72, 80, 100, 133, 200];

class Screen implements Output {
  readonly isTTY = true;
  readonly #terminal: Terminal;
  readonly #lag: number;
  /** How many writes were not taken yet when another one came. */
  waiting = 0;
  pileUp = 0;
  /** Of the parser. */
  #parsed: Promise<void> = Promise.resolve();

  /** `lag`: turns of the event loop that it takes to take a text. */
  constructor(columns: number, lag = 0) {
    this.#terminal = new Terminal({
      cols: columns,
      rows: 50,
      scrollback: 1000,
      allowProposedApi: true,
      convertEol: true,
    });
    this.#lag = lag;
  }

  get columns(): number {
    return this.#terminal.cols;
  }

  set columns(columns: number) {
    this.#terminal.resize(columns, 50);
  }

  async write(text: string): Promise<void> {
    this.waiting++;
    this.pileUp = Math.max(this.pileUp, this.waiting);
    const parsed = new Promise<void>((resolve) => this.#terminal.write(text, resolve));
    this.#parsed = parsed;
    for (let k = 0; k < this.#lag; k++) await setImmediate();
    await parsed;
    this.waiting--;
  }

  /** Lines as they were written, however the window breaks them. */
  async lines(): Promise<string[]> {
    await this.#parsed;
    const { active } = this.#terminal.buffer;
    const lines: string[] = [];
    for (let row = 0; row <= active.baseY + active.cursorY; row++) {
      const line = active.getLine(row)!;
      if (line.isWrapped) lines.push(lines.pop() + line.translateToString(true));
      else lines.push(line.translateToString(true));
    }
    return lines;
  }
}

interface Step {
  readonly say?: string;
  readonly note?: string;
  readonly columns?: number;
}

/** A training with everything that may be said in it, and lines of every awkward length. */
const story = (columns: number): Step[] => [
  { note: `Reading ${"very-".repeat(60)}long.txt` },
  { say: "Text: 1 file" },
  {},
  { say: "x".repeat(columns) },
  {},
  { say: "y".repeat(columns - 1) },
  { say: "" },
  {},
  { say: `a long line: ${"word ".repeat(70)}end` },
  {},
  { say: "床前明月光，疑是地上霜。".repeat(9) },
  {},
  {},
];

async function play(screen: Screen, steps: readonly Step[]): Promise<string[]> {
  let [time, step] = [0, 0];
  const shown = new ProgressDisplay({ out: screen, live: true, now: () => time });
  const said: string[] = [];
  for (const { say, note, columns } of steps) {
    time += 150;
    if (columns !== undefined) screen.columns = columns;
    if (say !== undefined) {
      said.push(say);
      shown.say(say);
    } else if (note !== undefined) shown.note(note);
    else {
      step += 7;
      const state = {
        step,
        steps: 90,
        epoch: 1,
        epochs: 2,
        loss: 2 - step / 90,
        itemsPerSecond: 31_000,
        items: "tokens",
        secondsLeft: 75 - step,
      };
      shown.update(state);
      await setImmediate();
      const seen = await screen.lines();
      expect(seen.slice(0, -1)).toEqual(said);
      if (screen.pileUp < 2 && columns === undefined) expect(seen.at(-1)).toBe(progressLine(state, screen.columns));
    }
    await setImmediate();
    const seen = await screen.lines();
    expect(seen.slice(0, said.length)).toEqual(said);
    expect(seen.length).toBeLessThanOrEqual(said.length + 1);
  }
  shown.end();
  expect(await screen.lines()).toEqual([...said, ""]);
  return said;
}

describe("a terminal of any width shows whole lines", () => {
  test.each(WIDTHS)("%d columns", async (columns) => {
    expect(await play(new Screen(columns), story(columns))).toHaveLength(6);
  });

  test.each(WIDTHS)("%d columns, made narrower and wider in the midst of it", async (columns) => {
    const steps = story(columns).flatMap((step, k) => [
      step,
      ...(k % 3 === 1
        ? [{ columns: 40 + ((k * 29) % 100) }, { columns: Math.max(40, columns - 15) }, { columns }]
        : []),
    ]);
    await play(new Screen(columns), steps);
  });
});

describe("a terminal that is slow", () => {
  test("gets fewer drawings, every line that stays, and no queue of old ones", async () => {
    const screen = new Screen(80, 40);
    let time = 0;
    const shown = new ProgressDisplay({ out: screen, live: true, now: () => time });
    let drawings = 0;
    for (let step = 1; step <= 400; step++) {
      time += 110;
      const before = screen.waiting;
      shown.update({
        step,
        steps: 400,
        epoch: 1,
        epochs: 1,
        loss: 1,
        itemsPerSecond: 1,
        items: "tokens",
        secondsLeft: 1,
      });
      if (screen.waiting > before) drawings++;
      if (step % 100 === 0) shown.say(`after ${step}`);
      await setImmediate();
    }
    expect(drawings).toBeGreaterThan(5);
    expect(drawings).toBeLessThan(20);
    expect(screen.pileUp).toBeLessThanOrEqual(3);
    shown.end();
    expect(await screen.lines()).toEqual(["after 100", "after 200", "after 300", "after 400", ""]);
  });
});

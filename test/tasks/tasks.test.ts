import { describe, expect, it } from "vitest";
import { adding } from "../../src/tasks/arithmetic.ts";
import { taskBatch, taskSequence } from "../../src/tasks/batch.ts";
import { tasks } from "../../src/tasks/registry.ts";
import type { Task, TaskSequence } from "../../src/tasks/task.ts";

/*
 * Each task is judged by a checker that shares no code with its generator: a regular expression for a grammar, arithmetic on what the
 * inputs say.
 */

const named = (name: string): Task => tasks[name]!;
const many = (task: Task, count: number): TaskSequence[] =>
  Array.from({ length: count }, (_, k) => taskSequence(task, 7, "train", k));
const row = (values: ArrayLike<number>, t: number, width: number): number[] =>
  Array.from({ length: width }, (_, k) => values[t * width + k]!);
/** One-hot inputs as a text. */
function textOf({ steps, inputs }: TaskSequence, alphabet: string): string {
  expect(inputs.every((value) => value === 0 || value === 1)).toBe(true);
  expect(inputs.reduce((sum, value) => sum + value, 0)).toBe(steps);
  return Array.from({ length: steps }, (_, t) => alphabet[row(inputs, t, alphabet.length).indexOf(1)]).join("");
}
const setAt = (values: ArrayLike<number>, t: number, alphabet: string): string =>
  row(values, t, alphabet.length)
    .flatMap((value, k) => (value === 1 ? [alphabet[k]!] : []))
    .sort()
    .join("");
const asked = ({ asked: steps }: TaskSequence): number[] => [...steps.keys()].filter((t) => steps[t] === 1);

const REBER = "BTPSXVE";
const INNER = "B(?:TS*X(?:XT*VP)*(?:S|XT*VV)|PT*V(?:V|P(?:XT*VP)*(?:S|XT*VV)))E";
const EMBEDDED = `B(?:T${INNER}T|P${INNER}P)E`;

/** What may follow a prefix of a language, found by trying all continuations of a few hundred strings of it. */
function followers(strings: Iterable<string>): Map<string, string> {
  const sets = new Map<string, Set<string>>();
  for (const string of strings)
    for (let t = 0; t < string.length; t++) {
      const prefix = string.slice(0, t);
      if (!sets.has(prefix)) sets.set(prefix, new Set());
      sets.get(prefix)!.add(string[t]!);
    }
  return new Map([...sets].map(([prefix, set]) => [prefix, [...set].sort().join("")]));
}

/** Ends of strings from every node of the grammar: what is possible is what one of them completes. */
const ENDS = ["TXSE", "TXXVVE", "PVVE", "PVPSE"].flatMap((inner) =>
  ["T", "P"].flatMap((branch) => {
    const string = `B${branch}B${inner}${branch}E`;
    return [...string].map((_, t) => string.slice(t + 1));
  }),
);

describe("embedded Reber", () => {
  const sequences = many(named("embedded-reber"), 100);
  const answered = (s: TaskSequence): string => textOf(s, REBER) + REBER[s.answers[s.steps - 1]!]!;

  it("makes strings of the grammar, each next symbol the answer", () => {
    const whole = new RegExp(`^${EMBEDDED}$`);
    for (const sequence of sequences) {
      const text = answered(sequence);
      expect(text).toMatch(whole);
      expect(Array.from(sequence.answers, (k) => REBER[k]).join("")).toBe(text.slice(1));
      expect(asked(sequence)).toHaveLength(sequence.steps);
    }
    expect(new Set(sequences.map((s) => answered(s)[1]))).toEqual(new Set(["T", "P"]));
  });

  it("knows what may come next: what can be completed to a string of the grammar", () => {
    const whole = new RegExp(`^${EMBEDDED}$`);
    for (const sequence of sequences) {
      const text = answered(sequence);
      const [said, found] = [[], []] as [string[], string[]];
      for (let t = 0; t < sequence.steps; t++) {
        said.push(setAt(sequence.possible!, t, REBER));
        const possible = [...REBER].filter((symbol) =>
          ENDS.some((end) => whole.test(text.slice(0, t + 1) + symbol + end)),
        );
        found.push(possible.sort().join(""));
      }
      expect(said).toEqual(found);
    }
  });
});

describe("continual Reber", () => {
  it("streams are strings of the grammar, one after the other, the last cut off", () => {
    for (const sequence of many(named("continual-reber"), 20)) {
      expect(sequence.steps).toBe(200);
      const text = textOf(sequence, REBER) + REBER[sequence.answers[199]!]!;
      const strings = text.split(new RegExp(`(${EMBEDDED})`)).filter((part) => part !== "");
      expect(strings.join("")).toBe(text);
      for (const string of strings.slice(0, -1)) expect(string).toMatch(new RegExp(`^${EMBEDDED}$`));
      expect(strings.at(-1)).toMatch(/^B/);
      for (let t = 0; t < 200; t++) {
        expect(setAt(sequence.possible!, t, REBER)).toContain(text[t + 1]!);
        // After the outer E always comes the next string's B, after B of a string its branch.
        if (/EE$|[TP]E$/.test(text.slice(0, t + 1)) && text[t + 1] === "B")
          expect(setAt(sequence.possible!, t, REBER)).toBe("B");
      }
    }
  });
});

describe("long lag without noise", () => {
  it.each([50, 100])("%i: only the first symbol varies, and the last repeats it", (lag) => {
    const sequences = many(named(`long-lag-${lag}`), 40);
    const rows = sequences.map((s) => [
      ...Array.from({ length: s.steps }, (_, t) => row(s.inputs, t, lag + 1).indexOf(1)),
      s.answers[s.steps - 1]!,
    ]);
    for (const [k, symbols] of rows.entries()) {
      expect(symbols).toHaveLength(lag + 1);
      expect(symbols.at(-1)).toBe(symbols[0]);
      expect([...sequences[k]!.answers]).toEqual(symbols.slice(1));
      expect(symbols.slice(1, -1)).toEqual(rows[0]!.slice(1, -1));
      expect(new Set(symbols).size).toBe(lag);
    }
    expect(new Set(rows.map((r) => r[0])).size).toBe(2);
  });
});

describe.each([
  ...[100, 150, 200, 400, 1000].map((T) => [`adding-${T}`, T, (a: number, b: number) => a + b] as const),
  ...[30, 100].map((T) => [`multiplication-${T}`, T, (a: number, b: number) => a * b] as const),
])("%s", (name, T, answer) => {
  const sequences = many(named(name), 50);

  it("two numbers are marked, one in each half, and the answer is theirs", () => {
    for (const s of sequences) {
      expect(s.steps).toBe(T);
      const numbers = Array.from({ length: T }, (_, t) => s.inputs[2 * t]!);
      const marks = Array.from({ length: T }, (_, t) => s.inputs[2 * t + 1]!);
      const at = [...marks.keys()].filter((t) => marks[t] === 1);
      expect(marks.filter((mark) => mark === 0)).toHaveLength(T - 2);
      expect([at[0]! < T / 2, at[1]! >= T / 2]).toEqual([true, true]);
      expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true);
      expect(asked(s)).toEqual([T - 1]);
      expect(s.answers[T - 1]).toBe(answer(numbers[at[0]!]!, numbers[at[1]!]!));
    }
  });

  it("the error of the best constant is the one that is stated", () => {
    const values = many(named(name), 1500).map((s) => s.answers[T - 1]!);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(variance / named(name).chance).toBeGreaterThan(0.9);
    expect(variance / named(name).chance).toBeLessThan(1.1);
    expect(named(name).criterion.error).toBeLessThan(named(name).chance / 2);
  });
});

describe.each([
  [
    "temporal-order-3",
    [
      [10, 20],
      [50, 60],
    ],
  ],
  [
    "temporal-order-4",
    [
      [10, 20],
      [33, 43],
      [66, 76],
    ],
  ],
] as const)("%s", (name, windows) => {
  it("the class is the order of X and Y", () => {
    const sequences = many(named(name), 100);
    for (const s of sequences) {
      const text = textOf(s, "EBXYabcd");
      expect(text).toMatch(/^E[abcdXY]+B$/);
      expect([text.length >= 100, text.length <= 110]).toEqual([true, true]);
      const found = [...text.matchAll(/[XY]/g)];
      expect(found).toHaveLength(windows.length);
      for (const [k, { index }] of found.entries())
        expect([index >= windows[k]![0], index <= windows[k]![1]]).toEqual([true, true]);
      expect(asked(s)).toEqual([s.steps - 1]);
      const order = found.map(([symbol]) => symbol).join("");
      expect(s.answers[s.steps - 1]!.toString(2).padStart(windows.length, "0")).toBe(
        order.replaceAll("X", "0").replaceAll("Y", "1"),
      );
    }
    expect(new Set(sequences.map((s) => s.answers[s.steps - 1])).size).toBe(2 ** windows.length);
  });
});

describe.each([
  ["anbn", "SabT", (n: number) => `S${"a".repeat(n)}${"b".repeat(n)}T`],
  ["anbncn", "SabcT", (n: number) => `S${"a".repeat(n)}${"b".repeat(n)}${"c".repeat(n)}T`],
] as const)("%s", (name, alphabet, string) => {
  const known = followers(Array.from({ length: 60 }, (_, k) => string(k + 1)));

  it("says what may follow each prefix, as the strings of the language have it", () => {
    for (const n of [1, 2, 3, 10, 50]) {
      const s = named(name).ofSize!(n);
      const text = textOf(s, alphabet);
      expect(`${text}T`).toBe(string(n));
      for (let t = 0; t < s.steps; t++) expect(setAt(s.answers, t, alphabet)).toBe(known.get(text.slice(0, t + 1)));
      expect(asked(s)).toHaveLength(s.steps);
    }
  });

  it("trains on sizes 1 to 10, all of them", () => {
    const sizes = new Set(many(named(name), 120).map((s) => textOf(s, alphabet).split("a").length - 1));
    expect([...sizes].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe.each([20, 100])("copy-%i", (blanks) => {
  it("what is asked for at the end is what stood at the beginning", () => {
    const sequences = many(named(`copy-${blanks}`), 50);
    for (const s of sequences) {
      const text = textOf(s, "01234567-!");
      expect(text).toMatch(new RegExp(`^[0-7]{10}-{${blanks - 1}}!-{10}$`));
      expect(asked(s)).toEqual(Array.from({ length: 10 }, (_, k) => blanks + 10 + k));
      expect(
        asked(s)
          .map((t) => s.answers[t])
          .join(""),
      ).toBe(text.slice(0, 10));
    }
    expect(new Set(sequences.map((s) => s.inputs.slice(0, 100).join())).size).toBe(50);
  });
});

describe("every task", () => {
  it.each(Object.entries(tasks))("%s has as many numbers a step as it says", (_, task) => {
    for (const { inputs, steps } of many(task, 3)) expect(inputs).toHaveLength(steps * task.inputSize);
  });

  it("marks any number of either half, and each step has one", () => {
    const task = adding(6);
    const sequences = many(task, 200);
    const marks = sequences.map(({ inputs }) => [0, 1, 2, 3, 4, 5].filter((t) => inputs[2 * t + 1] === 1));
    expect([0, 1].map((k) => [...new Set(marks.map((two) => two[k]))].sort())).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(sequences.filter(({ inputs }) => row(inputs, 0, 2)[0] === 0)).toEqual([]);
  });
});

describe("batches", () => {
  it("are time-major, padded where nothing is valid or asked for", () => {
    const sequences = many(named("temporal-order-3"), 5);
    const { inputs, rows, steps = 0 } = taskBatch(named("temporal-order-3"), sequences);
    expect([rows, steps]).toEqual([5, 112]);
    for (const [b, s] of sequences.entries())
      for (let t = 0; t < steps; t++) {
        const at = t * 5 + b;
        expect(inputs.valid![at]).toBe(t < s.steps ? 1 : 0);
        expect(inputs.asked![at]).toBe(t === s.steps - 1 ? 1 : 0);
        expect(row(inputs.x!, at, 8)).toEqual(t < s.steps ? row(s.inputs, t, 8) : new Array(8).fill(0));
        if (t === s.steps - 1) expect(inputs.y![at]).toBe(s.answers[t]);
      }
  });

  it("hold sets of symbols, and short sequences beside long ones", () => {
    const task = named("anbn");
    const strings = [task.ofSize!(1), task.ofSize!(5)];
    const { inputs, rows, steps = 0 } = taskBatch(task, strings);
    expect([rows, steps >= 11]).toEqual([2, true]);
    expect(inputs.y).toHaveLength(steps * 2 * task.outputSize);
    for (const [b, { answers, steps: T }] of strings.entries())
      for (let t = 0; t < T; t++)
        expect(row(inputs.y!, t * 2 + b, task.outputSize)).toEqual(row(answers, t, task.outputSize));
  });

  it("a sequence is a function of task, seed, part and number", () => {
    const task = named("adding-100");
    const first = taskSequence(task, 3, "train", 5);
    expect(taskSequence(task, 3, "train", 5)).toEqual(first);
    for (const other of [
      taskSequence(task, 4, "train", 5),
      taskSequence(task, 3, "test", 5),
      taskSequence(task, 3, "train", 6),
    ])
      expect(other.inputs).not.toEqual(first.inputs);
  });
});

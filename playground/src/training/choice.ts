import type { TrainingChoice } from "longshort/worker";
import { START_SERIES, seriesOf } from "../sequence/series.ts";
import { taskText } from "./task-text.ts";

export const DATA = ["recall", "copy", "adding", "own", "series"] as const;
export type Data = (typeof DATA)[number];

/** How a training learns, whatever it learns. */
export type Settings = Omit<TrainingChoice, "text" | "probe" | "numbers">;

const OWN =
  "The cell keeps what matters and lets go of what does not.\nA gate is a number between zero and one.\nWhat is forgotten makes room; what is remembered is carried on.\n";

/** What the visitor has chosen to be learned, and how. */
export const chosen: { data: Data; lag: number; own: string; series: string; settings: Settings } = {
  ...{ data: "recall", lag: 12, own: OWN, series: START_SERIES },
  settings: {
    ...{ cell: "lstm", hiddenSize: 24, embeddingSize: 8, numLayers: 1, optimizer: "adam", learningRate: 0.01 },
    ...{ clipNorm: 1, batchSize: 16, sequenceLength: 32, seed: 1 },
  },
};

/** Numbers that are chosen: the least, the most and the step of their fields. */
export const BOUNDS = {
  hiddenSize: [2, 256, 1],
  numLayers: [1, 3, 1],
  learningRate: [0.0001, 10, 0.0001],
  sequenceLength: [2, 256, 1],
  lag: [2, 60, 1],
} as const;
export type Bounded = keyof typeof BOUNDS;

/** A number that its field takes; what is none is the least. */
export function bounded(key: Bounded, value: number): number {
  const [least, most, step] = BOUNDS[key];
  const whole = step === 1 ? Math.round(value) : value;
  return Math.min(most, Math.max(least, whole || least));
}

export const CELLS = ["rnn", "lstm", "gru", "min-gru"] as const;
export const OPTIMIZERS = ["adam", "sgd", "rmsprop", "adagrad"] as const;

/** How a training names cells of the visitor's own. */
export const OWN_CELL = "equations";
export const wordsOf = (text: string): Settings["cell"] => ({ name: OWN_CELL, options: { text } });
export const nameOf = (cell: Settings["cell"]): string => (typeof cell === "string" ? cell : cell.name);

export const ofNumbers = (): boolean => chosen.data === "adding" || chosen.data === "series";

/** Another thing to learn; what reads numbers is made of the three cells that a state dictionary can hold. */
export function chooseData(data: Data): void {
  chosen.data = data;
  const { cell } = chosen.settings;
  if (ofNumbers() && !["rnn", "lstm", "gru"].includes(nameOf(cell)))
    chosen.settings = { ...chosen.settings, cell: "gru" };
}

/** What the training begins with. @throws Error for a series that is none */
export function trainingChoice(): TrainingChoice {
  const { data, lag, own, series, settings } = chosen;
  if (data === "adding")
    return { ...settings, text: "", probe: "", numbers: { task: "adding", steps: Math.max(4, lag) } };
  if (data === "series") {
    const numbers = seriesOf(series, 1);
    // Whatever its scale, it is learned between −1 and 1.
    const largest = numbers.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    return { ...settings, text: "", probe: "", numbers: { task: "series", data: numbers.map((v) => v / largest) } };
  }
  const text = data === "own" ? own : taskText(data, lag);
  const probe = data === "own" ? text.slice(0, 80) : text.split("\n").slice(0, 4).join("\n");
  return { ...settings, text, probe };
}

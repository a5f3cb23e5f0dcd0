import type { TrialSettings } from "../../study/settings.ts";
import type { CellSummary } from "../../study/summary.ts";
import type { Task } from "../../tasks/task.ts";
import { integer } from "../format.ts";

/** What came of a task. */
export interface TaskStory {
  readonly task: Task;
  readonly settings: TrialSettings;
  readonly cells: readonly CellSummary[];
}

/** Lags that a table of gradients shows, those that the task has. */
const LAGS = [1, 10, 20, 50, 99, 199, 399, 999];

const sequencesOf = ({ sequences }: CellSummary): string => {
  if (!sequences) return "–";
  const { median, least, most } = sequences;
  return least === most ? integer(median) : `${integer(median)} (${integer(least)} – ${integer(most)})`;
};
const errorOf = ({ error }: CellSummary): string => String(Number(error.toPrecision(3)));
const solvedOf = ({ solved, trials, diverged }: CellSummary): string =>
  `${solved}/${trials}${diverged > 0 ? `, ${diverged} diverged` : ""}`;

/** Names of columns and, for each cell, what stands in them. */
export function resultRows({ task, cells }: TaskStory): string[][] {
  const languages = task.ofSize !== undefined;
  const error = task.kind === "number" ? "mean squared error" : "error rate";
  return [
    [
      "cell",
      "parameters",
      "solved",
      "sequences to criterion",
      `final ${error}`,
      ...(languages ? ["correct up to n"] : []),
      "CPU time",
    ],
    ...cells.map((one) => [
      ...[one.cell, integer(one.parameters), solvedOf(one), sequencesOf(one), errorOf(one)],
      ...(languages ? [one.reach === undefined ? "–" : integer(one.reach)] : []),
      `${one.cpuSeconds.toFixed(1)} s`,
    ]),
  ];
}

/** ‖∂L/∂h_t‖ at some lags, at the start and after training. */
export function gradientRows({ cells }: TaskStory): string[][] {
  const measured = cells.flatMap(({ cell, gradients }) => (gradients ? [{ cell, ...gradients }] : []));
  const longest = Math.max(0, ...measured.map(({ start }) => start.length));
  const lags = LAGS.filter((lag) => lag < longest);
  if (measured.length === 0) return [];
  const shown = (norms: readonly number[]): string[] => lags.map((lag) => tiny(norms[lag]));
  return [
    ["cell", "when", ...lags.map((lag) => `${lag} ${lag === 1 ? "step" : "steps"} back`)],
    ...measured.flatMap(({ cell, start, trained }) => [
      [cell, "at the start", ...shown(start)],
      [cell, "after training", ...shown(trained)],
    ]),
  ];
}

const tiny = (value: number | undefined): string =>
  value === undefined
    ? "–"
    : value === 0 || (value >= 0.001 && value < 1000)
      ? String(Number(value.toPrecision(2)))
      : value.toExponential(1);

function markdownTable([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head!), line(head!.map((_, k) => (k === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

/** A task's part of the page. */
export function markdownOf(story: TaskStory): string {
  const { task, settings } = story;
  const { hiddenSize, batchSize, learningRate, schedule, clipNorm, initialize, memory, budget, testSequences } =
    settings;
  const gradients = gradientRows(story);
  return [
    `## ${task.name}`,
    `${capital(task.about)}. ${task.source}.`,
    `Criterion: ${task.criterion.text}. Error without memory: ${Number(task.chance.toPrecision(3))}. A trial ends after ${integer(budget)} sequences.`,
    `Settings: ${hiddenSize} units, batches of ${batchSize}, Adam ${learningRate}${schedule === undefined ? "" : `, along half a ${schedule} to 0`}, clip ${clipNorm}, initialization "${initialize}"${memory === undefined ? "" : `, gates with memories of up to ${memory} steps (Tallec & Ollivier 2018)`}, ${testSequences} test sequences.`,
    markdownTable(resultRows(story)),
    ...(gradients.length > 0
      ? ["‖∂L/∂h_t‖ relative to the last step, mean over eight test sequences:", markdownTable(gradients)]
      : []),
  ].join("\n\n");
}

export const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

import type { CellSummary } from "../../study/summary.ts";
import { table } from "../format.ts";
import type { Io } from "../io.ts";
import { inked, letterOf, plot } from "../plot.ts";
import { capital, gradientRows, resultRows, type TaskStory } from "./tables.ts";

type Screen = Pick<Io, "stdout" | "color">;

const HEIGHT = 9;
/** Below it a gradient is as good as nothing. */
const LEAST = 1e-12;

/** The results as text: for each task the table, the errors over the sequences, and how far gradients reach. */
export const terminalOf = (stories: readonly TaskStory[], screen: Screen): string =>
  stories.map((story) => taskOf(story, screen)).join("\n\n");

function taskOf(story: TaskStory, screen: Screen): string {
  const { task, cells } = story;
  const gradients = gradientRows(story);
  const flows = cells.filter((one) => one.gradients !== undefined);
  return [
    `${task.name}: ${task.about}`,
    `${capital(task.criterion.text)}; without memory the error is ${Number(task.chance.toPrecision(3))}.`,
    table(resultRows(story), screen.stdout),
    ...drawn("Error", cells, ({ curve }) => curve, "sequence", screen),
    ...(gradients.length > 0 ? ["‖∂L/∂h_t‖ relative to the last step:", table(gradients, screen.stdout)] : []),
    ...drawn("log₁₀ ‖∂L/∂h_t‖ after training", flows, logsByLag, "lag", screen),
  ].join("\n");
}

const logsByLag = ({ gradients }: CellSummary): [number, number][] =>
  gradients!.trained.map((norm, lag) => [lag, Math.log10(Math.max(norm, LEAST))]);

/** A plot with its legend, where there is something to draw. */
function drawn(
  what: string,
  cells: readonly CellSummary[],
  points: (cell: CellSummary) => readonly (readonly [number, number])[],
  along: string,
  { stdout, color }: Screen,
): string[] {
  const curves = cells.map((one) => ({ name: one.cell, points: points(one) }));
  const picture = plot(curves, { width: Math.min(stdout.columns, 100), height: HEIGHT, color, along });
  if (picture === "") return [];
  const legend = curves.map(({ name }, k) => inked(color ? `— ${name}` : `${letterOf(k)} ${name}`, k, color));
  return [`${what}: ${legend.join(", ")}`, picture];
}

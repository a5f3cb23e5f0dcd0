import type { Command } from "commander";
import { platform } from "#platform";
import { choice, path, paths, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { bestColumns } from "./best-columns.ts";
import { defineCommand } from "./command.ts";
import { comparePage } from "./compare-page.ts";
import { type Difference, differencesOf, printed } from "./differences.ts";
import { duration, jsonLine, short, table } from "./format.ts";
import type { Io, Output } from "./io.ts";
import { common } from "./options.ts";
import { inked, letterOf, plot } from "./plot.ts";
import { CURVES, type RunStory, readStory } from "./run-story.ts";

const PLOT_HEIGHT = 15;

const { json } = common;
const fields = {
  runs: paths({ about: "folders of runs, as `train` made them", unit: "run", positional: true, required: true }),
  curve: choice(CURVES, {
    about: "which curve is drawn",
    unit: "name",
    otherwise: "validation loss, where there is one",
  }),
  html: path({ about: "write a self-contained page with all curves to this file", unit: "file" }),
  json,
} as const;

export const compareCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "compare",
    summary: "compare the settings, results and curves of runs",
    description: "Shows how the settings of runs differ, their results and their curves, in the terminal or as a page.",
    fields,
    examples: ["compare runs/lstm runs/gru", 'compare runs/* --curve "training loss" --html curves.html'],
    run: (values) => compare(values, io),
  });

async function compare({ runs, curve, html, json }: ValuesOf<typeof fields>, io: Io): Promise<void> {
  if (new Set(runs).size < 2)
    throw new UsageError("too-few-runs", "<run>: expected at least two different runs, got one");
  if (json && curve !== undefined)
    throw new UsageError("bad-option", "--curve: --json tells all curves and draws none; give one of them");
  const stories = runs.map(readStory);
  const differences = differencesOf(stories);
  if (html !== undefined) await platform.writeFileAtomic(html, comparePage(stories, differences));
  if (json) {
    await io.stdout.write(jsonLine({ differences, runs: stories }));
    return;
  }
  const shown =
    curve ?? (stories.some(({ curves }) => curves["validation loss"].length > 0) ? "validation loss" : "training loss");
  const drawn = plot(
    stories.map(({ folder, curves }) => ({ name: folder, points: curves[shown] })),
    { width: Math.min(io.stdout.columns, 120), height: PLOT_HEIGHT, color: io.color },
  );
  const parts = [
    resultsTable(stories, io),
    settingsTable(stories, differences, io.stdout),
    drawn === "" ? "" : `${shown}\n${drawn}`,
  ];
  await io.stdout.write(`${parts.filter((part) => part !== "").join("\n\n")}\n`);
  if (html !== undefined) await io.stdout.write(`\nWrote ${html}, a page with all curves\n`);
}

function resultsTable(stories: readonly RunStory[], { stdout, color }: Io): string {
  const { heads, cells } = bestColumns(stories);
  const rows = stories.map((story, k) => {
    const { folder, start, seconds, step } = story;
    return [
      `${letterOf(k)} ${folder}`,
      ...cells(story),
      String(step),
      start.parameters === undefined ? "" : short(start.parameters),
      seconds === undefined ? "" : duration(seconds),
    ];
  });
  let k = 0;
  // A letter begins what is told of a run.
  return table([["  run", ...heads, "steps", "parameters", "time"], ...rows], stdout).replace(/^\S/gm, (letter) =>
    inked(letter, k++, color),
  );
}

function settingsTable(stories: readonly RunStory[], differences: readonly Difference[], out: Output): string {
  if (differences.length === 0) return "The settings are the same.";
  return table(
    [
      ["setting", ...stories.map((_, k) => letterOf(k))],
      ...differences.map(({ setting, values }) => [setting, ...values.map(printed)]),
    ],
    out,
  );
}

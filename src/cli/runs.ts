import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { choice, onOff, path, type ValuesOf } from "../schema/fields.ts";
import { LongshortError, UsageError } from "../shared/errors.ts";
import { bestColumns, rankOf } from "./best-columns.ts";
import { defineCommand } from "./command.ts";
import { duration, jsonLine, short, table } from "./format.ts";
import type { Io, Output } from "./io.ts";
import { common } from "./options.ts";
import { isRun, type RunStory, readStory } from "./run-story.ts";

/** What runs can be ordered by: the column's value, smallest first; a run without one comes last. */
const ORDERS = {
  best: ({ best }: RunStory) => best && rankOf(best),
  loss: ({ best }: RunStory) => best?.loss,
  time: ({ seconds }: RunStory) => seconds,
  parameters: ({ start }: RunStory) => start.parameters,
  date: ({ changed }: RunStory) => -changed.getTime(),
  name: () => 0,
} as const;
type Order = keyof typeof ORDERS;

const { json } = common;
const fields = {
  folder: path({ about: "folder of runs", unit: "folder", positional: true, default: "runs" }),
  sort: choice(Object.keys(ORDERS) as Order[], {
    about: "order: best of the metric that decided, lowest loss, shortest time, fewest parameters, newest, or name",
    unit: "by",
    default: "best",
  }),
  reverse: onOff({ about: "reverse the order", short: "r" }),
  json,
} as const;

export const runsCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "runs",
    summary: "list runs, best first",
    description:
      "Lists the runs in a folder, best first: by the metric that decided which weights were kept, which is the loss unless another was monitored. Losses can be compared only between runs of one task on the same data and, for text, with the same kind of tokens.",
    fields,
    examples: ["runs", "runs experiments --sort time", "runs --json"],
    run: (values) => runs(values, io),
  });

async function runs({ folder, sort, reverse, json }: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const stories: RunStory[] = [];
  for (const run of runsIn(folder)) {
    try {
      stories.push(readStory(run));
    } catch (error) {
      // One damaged run is no reason not to show the others.
      if (!(error instanceof LongshortError)) throw error;
      await io.stderr.write(`Note: ${error.message}\n`);
    }
  }
  if (stories.length === 0) throw new UsageError("no-runs", `${folder}: expected folders of runs in it, found none`);
  const key = (story: RunStory): number => ORDERS[sort](story) ?? Number.POSITIVE_INFINITY;
  stories.sort((a, b) => key(a) - key(b) || (a.folder < b.folder ? -1 : 1));
  if (reverse) stories.reverse();
  if (json) for (const { curves: _, files: __, ...story } of stories) await io.stdout.write(jsonLine(story));
  else await io.stdout.write(`${tableOf(stories, io.stdout)}\n`);
}

function runsIn(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError("no-runs", `${folder}: expected a folder of runs, there is no such folder`);
  if (isRun(folder)) return [folder];
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter(isRun);
}

function tableOf(stories: readonly RunStory[], out: Output): string {
  const { heads, cells } = bestColumns(stories);
  const rows = stories.map((story) => {
    const { folder, model, settings, start, seconds, step, ended } = story;
    const { cell, hiddenSize, numLayers } = model as {
      cell?: { name: string };
      hiddenSize?: number;
      numLayers?: number;
    };
    const share = start.totalSteps ? `${Math.floor((100 * step) / start.totalSteps)} %` : "";
    return [
      folder,
      cell?.name ?? "",
      hiddenSize === undefined ? "" : numLayers === 1 ? String(hiddenSize) : `${numLayers}×${hiddenSize}`,
      String(settings.tokenizer ?? ""),
      start.parameters === undefined ? "" : short(start.parameters),
      ...cells(story),
      share,
      seconds === undefined ? "" : duration(seconds),
      ended ?? "",
    ];
  });
  return table([["run", "cell", "units", "tokenizer", "parameters", ...heads, "done", "time", "ended"], ...rows], out);
}

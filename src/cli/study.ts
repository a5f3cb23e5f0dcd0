import { join } from "node:path";
import type { Command } from "commander";
import { platform } from "#platform";
import { openMachine } from "../compute/open.ts";
import { integer, number, onOff, path, text, type ValuesOf } from "../schema/fields.ts";
import { wasAborted } from "../shared/signal.ts";
import { STUDY_CELLS, VARIANTS } from "../study/cells.ts";
import { settingsOf, type TrialSettings } from "../study/settings.ts";
import { summarize } from "../study/summary.ts";
import { runTrial, type TrialResult } from "../study/trial.ts";
import { tasks } from "../tasks/registry.ts";
import type { Task } from "../tasks/task.ts";
import { defineCommand } from "./command.ts";
import { Ended } from "./failure.ts";
import { counted, duration, jsonLine, quoted, integer as whole } from "./format.ts";
import { EXIT, type Io } from "./io.ts";
import { common } from "./options.ts";
import { type Pair, pairsOf, QUICK } from "./study/choose.ts";
import { makerOf } from "./study/maker.ts";
import { cpuSecondsOf, pageOf } from "./study/page.ts";
import { type KeptTrial, Records } from "./study/records.ts";
import type { TaskStory } from "./study/tables.ts";
import { terminalOf } from "./study/terminal.ts";

const { machine, json, quiet } = common;
const fields = {
  quick: onOff({ about: `only ${QUICK.tasks.join(", ")} with ${QUICK.cells.join(", ")}, three seeds` }),
  tasks: text({ about: "tasks, separated by commas", unit: "names", otherwise: "all, or those of --quick" }),
  cells: text({
    about: "cells, separated by commas; variants are the LSTM with peepholes and Greff's eight variants of it",
    ...{ unit: "names", otherwise: `${STUDY_CELLS.join(",")}, or those of --quick` },
  }),
  seeds: integer({
    about: "number of trials of each cell on each task",
    ...{ unit: "count", min: 1, otherwise: "10, quick 3" },
  }),
  budget: number({
    about: "factor for the number of sequences of a trial",
    ...{ unit: "factor", above: 0, max: 1000, default: 1 },
  }),
  gradients: onOff({
    about: "measure how far gradients reach, with the first seed",
    ...{ off: "do not measure gradients", default: true },
  }),
  output: path({
    about: "folder for the results; existing trials are not run again",
    ...{ unit: "folder", short: "o", default: "runs/study" },
  }),
  ...{ quiet, json, machine },
} as const;
type StudyFlags = ValuesOf<typeof fields>;

export const studyCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "study",
    summary: "measure which cells remember how long",
    description: `Trains cells on tasks whose answers lie far back, each from several seeds, until the criterion of the task's authors is met or the budget of sequences is used up. Prints success rates, sequences to criterion and how far gradients reach, and saves each finished trial (trials.jsonl) and the tables (study.md). The same command continues where it stopped.\nTasks: ${Object.keys(tasks).join(", ")}.\nCells: ${[...STUDY_CELLS, ...VARIANTS].join(", ")}.`,
    fields,
    examples: [
      "study --quick",
      "study --tasks adding-400 --cells lstm,gru",
      "study --tasks adding-100 --cells variants",
    ],
    run: (values) => study(values, io),
  });

async function study(flags: StudyFlags, io: Io): Promise<void> {
  const { output, quiet, json } = flags;
  const pairs = pairsOf(flags);
  const seeds = flags.seeds ?? (flags.quick ? QUICK.seeds : 10);
  const records = new Records(output);
  const controller = new AbortController();
  const { signal } = controller;
  const off = io.onInterrupt(() => controller.abort());
  try {
    let left = 0;
    const found: KeptTrial[] = [];
    for (const pair of pairs) {
      const settings = scaled(settingsOf(pair.task), flags.budget);
      for (let seed = 0; seed < seeds; seed++) {
        const known = records.find({ task: pair.task.name, cell: pair.cell, seed, settings, machine: flags.machine });
        const kept = known?.withoutGradients && flags.gradients ? undefined : known;
        const trial =
          kept ??
          (await tried(pair, seed, settings, flags, signal).catch((error: unknown) => {
            if (!wasAborted(error, signal)) throw error;
            return undefined;
          }));
        if (!trial) {
          await io.stderr.write(
            `Stopped. ${output} keeps ${counted(found.length, "finished trial")}; the same command continues.\n`,
          );
          throw new Ended(EXIT.interrupted);
        }
        if (kept) left++;
        else records.add(trial);
        found.push(trial);
        if (!quiet && !json) await io.stderr.write(`${lineOf(trial)}\n`);
        if (json) await io.stdout.write(jsonLine({ type: "trial", ...trial }));
      }
    }
    const stories = storiesOf(pairs, found);
    const command = commandOf(flags);
    const page = join(output, "study.md");
    await platform.writeFileAtomic(page, pageOf(stories, { command, date: io.today(), trials: found }));
    if (json) return;
    await io.stdout.write(`${terminalOf(stories, io)}\n`);
    const kept = left > 0 ? `, ${whole(left)} of them from before` : "";
    await io.stdout.write(
      `${counted(found.length, "trial")}${kept}, ${duration(cpuSecondsOf(found))} of CPU time. Tables: ${page}\n`,
    );
  } finally {
    off();
  }
}

const scaled = (settings: TrialSettings, factor: number): TrialSettings => ({
  ...settings,
  budget: Math.max(1, Math.round(settings.budget * factor)),
});

/** Each trial has a machine of its own: memory that one takes is free for the next. */
async function tried(
  { task, cell }: Pair,
  seed: number,
  settings: TrialSettings,
  flags: StudyFlags,
  signal: AbortSignal,
): Promise<KeptTrial> {
  using machine = await openMachine(flags.machine);
  const before = process.cpuUsage();
  const gradients = flags.gradients && seed === 0;
  const result = await runTrial({ machine, task, cell, seed, settings, gradients, signal });
  const { user, system } = process.cpuUsage(before);
  return {
    ...{ task: task.name, cell, seed, settings, ...result, cpuSeconds: (user + system) / 1e6 },
    madeBy: makerOf(machine),
    ...(seed === 0 && !flags.gradients && { withoutGradients: true as const }),
  };
}

function lineOf({ task, cell, seed, cpuSeconds, ...result }: KeptTrial): string {
  return `${task}, ${cell}, seed ${seed}: ${outcomeOf(result)}, ${duration(cpuSeconds)}`;
}

function outcomeOf({ solved, diverged, sequences, error }: TrialResult): string {
  const after = `after ${counted(sequences, "sequence")}`;
  if (solved) return `solved ${after}`;
  return `${diverged ? "diverged" : "not solved"} ${after}, error ${error.toPrecision(3)}`;
}

function storiesOf(pairs: readonly Pair[], trials: readonly KeptTrial[]): TaskStory[] {
  return [...new Set(pairs.map(({ task }) => task))].map((task: Task) => {
    const own = trials.filter((trial) => trial.task === task.name);
    const cells = [...new Set(own.map(({ cell }) => cell))];
    return {
      task,
      settings: own[0]!.settings,
      cells: cells.map((cell) => summarize(own.filter((t) => t.cell === cell))),
    };
  });
}

/** The call, as it can be made again. */
function commandOf({ quick, tasks, cells, seeds, budget, gradients }: StudyFlags): string {
  const words = [
    ...(quick ? ["--quick"] : []),
    ...(tasks === undefined ? [] : ["--tasks", quoted(tasks)]),
    ...(cells === undefined ? [] : ["--cells", quoted(cells)]),
    ...(seeds === undefined ? [] : ["--seeds", String(seeds)]),
    ...(budget === 1 ? [] : ["--budget", String(budget)]),
    ...(gradients ? [] : ["--no-gradients"]),
  ];
  return ["longshort study", ...words].join(" ");
}

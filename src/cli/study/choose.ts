import { checkChoice } from "../../schema/check.ts";
import { UsageError } from "../../shared/errors.ts";
import { STUDY_CELLS, VARIANTS } from "../../study/cells.ts";
import { tasks } from "../../tasks/registry.ts";
import type { Task } from "../../tasks/task.ts";

/** What is tried: a cell on a task, for so many seeds. */
export interface Pair {
  readonly task: Task;
  readonly cell: string;
}

export const QUICK = {
  tasks: ["embedded-reber", "adding-100", "temporal-order-3", "anbn"],
  cells: ["lstm", "gru", "rnn"],
  seeds: 3,
} as const;

/** The task that the variants of the LSTM are compared on. */
const VARIANTS_ON = "adding-100";

/**
 * Every pair that is asked for, task by task. Without any wish: all tasks with the five cells, and the variants of the LSTM on one.
 *
 * @throws UsageError "unknown-choice" with the nearest name, "bad-option"
 */
export function pairsOf(wish: { quick: boolean; tasks?: string | undefined; cells?: string | undefined }): Pair[] {
  const names =
    wish.tasks === undefined ? (wish.quick ? QUICK.tasks : Object.keys(tasks)) : list("--tasks", wish.tasks);
  const cells =
    wish.cells === undefined
      ? wish.quick
        ? QUICK.cells
        : STUDY_CELLS
      : list("--cells", wish.cells).flatMap((name) => (name === "variants" ? VARIANTS : [name]));
  const everything = !wish.quick && wish.tasks === undefined && wish.cells === undefined;
  // What is asked for twice is one trial.
  return [...new Set(names)].flatMap((name) => {
    checkChoice("--tasks", name, Object.keys(tasks));
    const more = everything && name === VARIANTS_ON ? VARIANTS : [];
    return [...new Set([...cells, ...more])].map((cell) => {
      checkChoice("--cells", cell, [...STUDY_CELLS, ...VARIANTS, "variants"]);
      return { task: tasks[name]!, cell };
    });
  });
}

/** @throws UsageError "bad-option" */
function list(option: string, text: string): string[] {
  const words = text.split(",").map((word) => word.trim());
  const names = words.filter((word) => word !== "");
  if (names.length > 0) return names;
  throw new UsageError("bad-option", `${option}: expected at least one name, got ${JSON.stringify(text)}`);
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readEvents } from "../run-log/read-events.ts";

/** Events of the files for TensorBoard in the folder of a run. */
export function eventsOf(run: string) {
  const folder = join(run, "tensorboard");
  return readdirSync(folder).flatMap((name) => readEvents(Uint8Array.from(readFileSync(join(folder, name)))));
}

/** Numbers in them, with their tags. */
export const scalarsOf = (run: string) =>
  eventsOf(run).flatMap(({ step, what }) =>
    what.case === "summary"
      ? what.value.value.map(({ tag, value }) => ({ tag, step: Number(step), value: value.value }))
      : [],
  );

/** Lines of its log, without their times. */
export function logOf(run: string): string[] {
  const lines = readFileSync(join(run, "log.txt"), "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [, text] = /^2026-01-31 \d\d:\d\d:\d\d {2}(\S.*)$/.exec(line)!;
    return text!;
  });
}

/** Tags of the numbers besides those that every training has. */
export function ownTagsOf(run: string): string[] {
  const every = ["loss/train", "loss/validation", "optimizer/gradient norm", "optimizer/learning rate"];
  const tags = new Set(scalarsOf(run).map(({ tag }) => tag));
  for (const tag of every) if (!tags.delete(tag)) throw new Error(`${tag} is missing`);
  return [...tags].sort();
}

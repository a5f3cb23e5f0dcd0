import type { Fields, ValuesOf } from "../schema/fields.ts";
import { resolved } from "./config-file.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import { inRunFolder, nameOf, newRunFolder } from "./run-paths.ts";

const { output, force, quiet, json } = common;

/** What every `train` is asked besides its settings. */
export const newTrainingFields = { output, force, quiet, json } as const;

/** Of the values of a `train` its settings, as the run keeps them: with absolute paths, so that it is repeated and resumed from any folder. */
export const settingsFrom = <F extends Fields>(fields: F, values: ValuesOf<F>): ValuesOf<F> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      Object.hasOwn(fields, key) ? [[key, resolved(fields[key]!.kind, value, "")]] : [],
    ),
  ) as ValuesOf<F>;

/** Trains into a new run: at `--output`, else named after the day and the file that is learned from. */
export async function newTraining(
  { output, force, quiet, json }: ValuesOf<typeof newTrainingFields>,
  file: string,
  io: Io,
  train: (options: TrainingOptions) => Promise<void>,
): Promise<void> {
  const folder = output ?? newRunFolder(nameOf(file), io.today());
  await inRunFolder(folder, { force }, () => train({ io, folder, quiet, json, existing: "overwrite" }));
}

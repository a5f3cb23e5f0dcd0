import type { SavedWeights } from "../train/run.ts";
import { Ended } from "./failure.ts";
import { integer, jsonLine, quoted } from "./format.ts";
import { EXIT } from "./io.ts";
import type { TrainingOptions } from "./recorded-training.ts";

export interface TrainingResult {
  readonly interrupted: boolean;
  /** Updates made, of how many. */
  readonly step: number;
  readonly totalSteps: number;
  /** Which weights lie in the run's model.safetensors. */
  readonly saved: SavedWeights;
  /** Of the training steps alone. */
  readonly seconds: number;
}

/**
 * Says where the run lies, and how to go on with it; ends the command with the code of Ctrl-C if that was the reason.
 *
 * @param unit of the loss, if it has one that says something
 */
export async function tellSaved(
  result: TrainingResult,
  { io, folder, json }: TrainingOptions,
  unit?: string,
): Promise<void> {
  const { interrupted, step, totalSteps, saved } = result;
  if (json) await io.stdout.write(jsonLine({ type: "saved", folder, ...saved }));
  else {
    const when = saved.savedEpoch === undefined ? `step ${saved.savedStep}` : `epoch ${saved.savedEpoch}`;
    const loss =
      unit === undefined || saved.validationLoss === undefined
        ? ""
        : `, validation loss ${saved.validationLoss.toFixed(4)} ${unit}`;
    await io.stdout.write(`Saved in ${folder} (the weights after ${when}${loss}).\n`);
    if (interrupted)
      await io.stdout.write(
        `Stopped after step ${integer(step)} of ${integer(totalSteps)}. To continue exactly where it stopped:\n  ${io.program} resume ${quoted(folder)}\n`,
      );
  }
  if (interrupted) throw new Ended(EXIT.interrupted);
}

/** Says which commands to try now; `RUN` in them stands for the run. */
export async function tellNext(
  commands: readonly string[],
  { io, folder, quiet, json }: TrainingOptions,
): Promise<void> {
  if (quiet || json) return;
  const lines = commands.map((command) => `  ${io.program} ${command.replace("RUN", () => quoted(folder))}\n`);
  await io.stdout.write(`Next:\n${lines.join("")}`);
}

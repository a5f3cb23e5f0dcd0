import { Ended } from "./failure.ts";
import { counted, integer, quoted } from "./format.ts";
import { EXIT } from "./io.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import type { TrainingResult } from "./training-record.ts";

/** Says where the run lies and what to do next; ends the command with the code of Ctrl-C if that was the reason. */
export async function tellResult(
  folder: string,
  result: TrainingResult,
  { io, quiet, json }: Pick<TrainingOptions, "io" | "quiet" | "json">,
): Promise<void> {
  if (!json) await io.stdout.write(textOf(folder, result, io.program, quiet));
  if (result.interrupted) throw new Ended(EXIT.interrupted);
}

function textOf(folder: string, result: TrainingResult, program: string, quiet: boolean): string {
  const { interrupted, step, totalSteps, saved } = result;
  const run = quoted(folder);
  const when = saved.savedEpoch === undefined ? `after step ${saved.savedStep}` : `after epoch ${saved.savedEpoch}`;
  const loss =
    saved.validationLoss === undefined ? "" : `, validation loss ${saved.validationLoss.toFixed(4)} nats per token`;
  const lines = [`Saved in ${folder} (the weights ${when}${loss}).`];
  if (interrupted)
    lines.push(
      `Stopped after step ${integer(step)} of ${counted(totalSteps, "step")}. To go on as if nothing had been:`,
      `  ${program} resume ${run}`,
    );
  else if (!quiet)
    lines.push(
      "Next:",
      `  ${program} generate ${run}`,
      `  ${program} evaluate ${run}`,
      `  ${program} inspect ${run} --text "some text"`,
    );
  return lines.map((line) => `${line}\n`).join("");
}

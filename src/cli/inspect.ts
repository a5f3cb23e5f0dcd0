import { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import { type TextTrace, traceText } from "../explain/trace.ts";
import { loadRun } from "../run/load-run.ts";
import { nearest, UsageError } from "../shared/errors.ts";
import { heatMaps } from "./heat-maps.ts";
import type { Io } from "./io.ts";
import { examples, type MACHINES, option, shared, whole } from "./options.ts";

interface InspectFlags {
  readonly text: string;
  readonly values?: string;
  readonly layer: number;
  readonly units: number;
  readonly machine: (typeof MACHINES)[number];
  readonly json?: true;
}

export function inspectCommand(io: Io): Command {
  const command = new Command("inspect")
    .summary("show the gates of a model while it reads a text")
    .description(
      "Shows the gates and states of a model while it reads a text: the text along the top, hidden units down.\nThe units shown are those that vary most over the text.",
    )
    .argument("<run>", "folder of a run, as `train` made it")
    .addOption(option("--text <text>", "what the model reads (needed)", String).makeOptionMandatory())
    .addOption(
      option("--values <names>", "which values, with commas between: i,f,c (default: all of the cell)", String),
    )
    .addOption(option("--layer <number>", "which recurrent layer, from 0", whole(0), 0))
    .addOption(option("--units <count>", "how many hidden units", whole(1), 8))
    .addOption(shared.machine())
    .addOption(shared.json());
  examples(command, io.program, ['inspect runs/2026-01-31-novel --text "The end of it." --values f,c --units 16']);
  return command.action((folder: string, flags: InspectFlags) => inspect(folder, flags, io));
}

async function inspect(folder: string, flags: InspectFlags, io: Io): Promise<void> {
  if (flags.text === "") throw new UsageError("text-empty", "--text: expected some text, got none");
  const machine = await openMachine(flags.machine);
  try {
    const { model, parameters, tokenizer } = await loadRun(folder, machine);
    const trace = await traceText({ model, parameters, machine, tokenizer, text: flags.text });
    const names = namesToShow(trace, flags);
    if (flags.json) {
      for (const name of names) {
        const { shape, data } = trace.values[keyOf(name, flags.layer)]!;
        const line = { type: "values", name, layer: flags.layer, shape, data: Array.from(data) };
        await io.stdout.write(`${JSON.stringify(line)}\n`);
      }
      return;
    }
    await io.stdout.write(heatMaps(trace, { ...flags, names, width: io.stdout.columns, color: io.color }));
  } finally {
    machine.close();
  }
}

const keyOf = (name: string, layer: number): string => `${name}_l${layer}`;

function namesToShow(trace: TextTrace, { values, layer }: Pick<InspectFlags, "values" | "layer">): string[] {
  const suffix = keyOf("", layer);
  const known = Object.keys(trace.values)
    .filter((key) => key.endsWith(suffix))
    .map((key) => key.slice(0, -suffix.length));
  if (known.length === 0)
    throw new UsageError(
      "out-of-range",
      `--layer ${layer}: the model has ${trace.layers.length} recurrent layer${trace.layers.length === 1 ? "" : "s"}; they are counted from 0`,
    );
  if (values === undefined) return known;
  return values.split(",").map((part) => {
    const name = part.trim();
    if (known.includes(name)) return name;
    const near = nearest(name, known);
    throw new UsageError(
      "unknown-choice",
      `--values: expected names among ${known.join(", ")}, got "${name}"${near ? `; did you mean ${near}?` : ""}`,
    );
  });
}

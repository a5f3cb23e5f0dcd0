import type { Command } from "commander";
import { platform } from "#platform";
import { openMachine } from "../compute/open.ts";
import { type TextTrace, traceText } from "../explain/trace-text.ts";
import { type LoadedRun, loadRun } from "../run/load-run.ts";
import { integer, path, text, type ValuesOf } from "../schema/fields.ts";
import { nearest, UsageError } from "../shared/errors.ts";
import { defineCommand } from "./command.ts";
import { heatMaps } from "./heat-maps.ts";
import type { Io } from "./io.ts";
import { findNearest, type NearestPlaces, nearestLines } from "./nearest-places.ts";
import { common } from "./options.ts";
import { type NamedTrace, reportPage } from "./report.ts";

const { run, machine, json } = common;
const fields = {
  run,
  text: text({ about: "what the model reads", unit: "text", required: true }),
  values: text({ about: "which values, with commas between: i,f,c", unit: "names", otherwise: "all of the cell" }),
  layer: integer({ about: "which recurrent layer, from 0", unit: "number", min: 0, default: 0 }),
  html: text({
    about: "a page to write in place of the heat maps, which needs nothing else",
    unit: "file",
    otherwise: "none",
  }),
  compare: text({ about: "another run whose values stand beside them in that page", unit: "run", otherwise: "none" }),
  nearest: path({
    about: "text to search for the places where the state of the layer was most like it is at the end of the text",
    ...{ unit: "file", otherwise: "none is searched" },
  }),
  places: integer({ about: "how many of these places", unit: "count", min: 1, default: 10 }),
  units: integer({ about: "how many hidden units", unit: "count", min: 1, default: 8 }),
  machine,
  json,
} as const;
type InspectFlags = ValuesOf<typeof fields>;

export const inspectCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "inspect",
    summary: "show the gates of a model while it reads a text",
    description:
      "Shows the gates and states of a model while it reads a text: the text along the top, hidden units down.\nThe units shown are those that vary most over the text.",
    fields,
    examples: [
      'inspect runs/2026-01-31-novel --text "The end of it." --values f,c --units 16',
      'inspect runs/2026-01-31-novel --text "The end of it." --html report.html --compare runs/2026-01-31-gru',
      'inspect runs/2026-01-31-novel --text "He said: " --nearest novel.txt',
    ],
    run: (values) => inspect(values, io),
  });

async function inspect(flags: InspectFlags, io: Io): Promise<void> {
  if (flags.text === "") throw new UsageError("text-empty", "--text: expected some text, got none");
  if (flags.compare !== undefined && flags.html === undefined)
    throw new UsageError("bad-option", "--compare: it is for the page that --html writes; give that too");
  const machine = await openMachine(flags.machine);
  try {
    if (flags.html !== undefined) {
      const traces: NamedTrace[] = [];
      for (const folder of [flags.run, ...(flags.compare === undefined ? [] : [flags.compare])]) {
        const run = await loadRun(folder, machine);
        const trace = await traceText({ ...run, machine, text: flags.text });
        traces.push({ name: folder, trace, nearest: await nearestOf(run, trace, flags) });
      }
      await platform.writeFileAtomic(flags.html, await reportPage(traces));
      return await io.stdout.write(`Wrote ${flags.html}\n`);
    }
    const run = await loadRun(flags.run, machine);
    const trace = await traceText({ ...run, machine, text: flags.text });
    const names = namesToShow(trace, flags);
    const nearest = await nearestOf(run, trace, flags);
    if (flags.json) {
      for (const name of names) {
        const { shape, data } = trace.values[keyOf(name, flags.layer)]!;
        const line = { type: "values", name, layer: flags.layer, shape: [shape[0], shape[2]], data: Array.from(data) };
        await io.stdout.write(`${JSON.stringify(line)}\n`);
      }
      for (const place of nearest?.places ?? [])
        await io.stdout.write(`${JSON.stringify({ type: "nearest", layer: flags.layer, ...place })}\n`);
      return;
    }
    const drawn = { width: io.stdout.columns, color: io.color };
    await io.stdout.write(heatMaps(trace, { ...flags, names, ...drawn }));
    if (nearest) await io.stdout.write(`\n${nearestLines(nearest, drawn)}`);
  } finally {
    machine.close();
  }
}

async function nearestOf(
  run: LoadedRun,
  trace: TextTrace,
  { nearest: corpus, layer, places }: Pick<InspectFlags, "nearest" | "layer" | "places">,
): Promise<NearestPlaces | undefined> {
  if (corpus === undefined) return undefined;
  namesToShow(trace, { layer });
  return findNearest(run, trace, { corpus, layer, places });
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

import type { Machine } from "../compute/machine.ts";
import { loadRun } from "../run/load-run.ts";
import { describe, FailureError, UsageError } from "../shared/errors.ts";
import { type Calls, type Given, MAX_MODEL_BYTES, type ModelFacts, type Reading } from "./protocol.ts";
import { type OpenedText, readNearest, readText, readWithout } from "./reading.ts";

type Cut = Calls["cut"];
type Nearest = Calls["nearest"];

/** A model that a page has opened, whatever file it came from. */
export interface OpenedModel {
  readonly facts: Omit<ModelFacts, "id">;
  read(text: string, names?: readonly string[]): Promise<Reading>;
  readSeries(data: ArrayLike<number>, names?: readonly string[]): Promise<Reading>;
  cut(given: Cut["given"]): Promise<Cut["back"]>;
  /** @throws also the reason of `signal` */
  nearest(given: Nearest["given"], signal?: AbortSignal): Promise<Nearest["back"]>;
  close(): void;
}

/**
 * Opens a file: what `packRun` made, or a model of another program.
 * @throws FailureError "too-large" and what the readers throw; the reason of `signal`
 */
export async function openModel(
  { file, name, tokenizer }: Calls["open"]["given"],
  machine: Machine,
  signal?: AbortSignal,
): Promise<OpenedModel> {
  if (!(file instanceof Blob || file instanceof Uint8Array))
    throw new UsageError("bad-option", `open: file: expected a File, a Blob or a Uint8Array, got ${describe(file)}`);
  if ((file instanceof Blob ? file.size : file.length) > MAX_MODEL_BYTES)
    throw new FailureError(
      "too-large",
      `this file is larger than ${MAX_MODEL_BYTES / 2 ** 20} MiB: open it in Node or with the command line`,
    );
  // Safetensors: eight bytes of length and a JSON object.
  const [mark] = file instanceof Blob ? new Uint8Array(await file.slice(8, 9).arrayBuffer()) : file.subarray(8, 9);
  if (mark === 0x7b)
    try {
      return textModel(await loadRun(file, { machine, signal }));
    } catch (error) {
      if (!(error instanceof UsageError) || error.code !== "not-a-run") throw error;
    }
  const { openSequenceModel } = await import("./sequence-model.ts");
  return openSequenceModel({ file, name, tokenizer, machine, signal });
}

function textModel(opened: OpenedText): OpenedModel {
  const { model, parameters } = opened;
  const { hiddenSize, numLayers, vocabularySize } = model.config;
  return {
    facts: {
      ...{ format: "longshort", reads: "text", channels: 1, steps: undefined, conventions: [] },
      ...{ hiddenSize, vocabularySize, cell: model.cell.name, names: Object.keys(model.cell.named) },
      layers: Array.from({ length: numLayers }, (_, k) => `l${k}`),
      parameters: parameters.count,
    },
    read: (text, names) => readText(opened, text, names),
    readSeries: async (data) => readText(opened, textOf({ data })),
    cut: async ({ units, gates, ...given }) => readWithout(opened, textOf(given), [...units, ...(gates ?? [])]),
    nearest: async ({ step, layer, count, corpus, ...given }, signal) =>
      readNearest(opened, textOf(given), { step, layer, count, corpus: corpus && textOf(corpus), signal }),
    close: () => parameters.close(),
  };
}

/** @throws UsageError "reads-text" for numbers */
function textOf(given: Given): string {
  if ("text" in given) return given.text;
  throw new UsageError("reads-text", "this model reads text, not a series");
}

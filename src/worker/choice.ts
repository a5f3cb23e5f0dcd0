import { unknownName } from "../shared/options.ts";
import type { TrainingChoice, TrainingRequest } from "./protocol.ts";

/** Small enough to be watched, on any computer. */
const DEFAULTS = {
  ...{ text: "", probe: "", cell: "lstm", hiddenSize: 32, embeddingSize: 16, numLayers: 1 },
  ...{ optimizer: "adam", learningRate: 0.01, clipNorm: 5, batchSize: 8, sequenceLength: 32, seed: 0 },
} as const satisfies Omit<TrainingChoice, "numbers">;

/** What a page asks for, with the defaults of what it leaves out. @throws UsageError "unknown-option" */
export function choiceOf(request: TrainingRequest): TrainingChoice {
  const known = [...Object.keys(DEFAULTS), "numbers"];
  for (const name of Object.keys(request))
    if (!known.includes(name)) throw unknownName("train: there is no option", name, known);
  const said = Object.entries(request).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(said) };
}

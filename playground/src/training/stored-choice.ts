import { among, countOf, unless } from "../address.ts";
import { bounded, CELLS, chooseData, chosen, DATA, nameOf, OPTIMIZERS, OWN_CELL, wordsOf } from "./choice.ts";

const STORED = "playground-training";
/** What numbers are called in the address. */
const NUMBERS = { units: "hiddenSize", layers: "numLayers", rate: "learningRate", back: "sequenceLength" } as const;

const first = structuredClone(chosen);

/** What was chosen outlives the tab. */
export function keepChoice(): void {
  try {
    localStorage.setItem(STORED, JSON.stringify(chosen));
  } catch {
    // A page without storage begins with the defaults.
  }
}

/** What an earlier visit chose, as far as it can still be chosen. */
export function restoreChoice(): void {
  try {
    const known = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    const { cell, optimizer, clipNorm, ...numbers } = known.settings ?? {};
    chosen.data = among(known.data, DATA) ?? chosen.data;
    for (const key of ["own", "series"] as const) if (typeof known[key] === "string") chosen[key] = known[key];
    if (typeof known.lag === "number") chosen.lag = bounded("lag", known.lag);
    const text = cell?.name === OWN_CELL ? cell.options?.text : undefined;
    const { settings } = chosen;
    chosen.settings = {
      ...settings,
      cell: typeof text === "string" ? wordsOf(text) : (among(cell, CELLS) ?? settings.cell),
      optimizer: among(optimizer, OPTIMIZERS) ?? settings.optimizer,
      // JSON has no infinity.
      clipNorm: clipNorm === null ? Number.POSITIVE_INFINITY : settings.clipNorm,
      ...chosenNumbers((key) => (typeof numbers[key] === "number" ? numbers[key] : undefined)),
    };
    chooseData(chosen.data);
  } catch {
    // As above.
  }
}

/** What an address asks for. */
export function takeChoice(asked: URLSearchParams): void {
  const lag = countOf(asked.get("lag"));
  if (lag !== undefined) chosen.lag = bounded("lag", lag);
  const { settings } = chosen;
  const clip = among(asked.get("clip"), ["yes", "no"]);
  chosen.settings = {
    ...settings,
    cell: among(asked.get("cell"), CELLS) ?? settings.cell,
    optimizer: among(asked.get("optimizer"), OPTIMIZERS) ?? settings.optimizer,
    clipNorm: clip === undefined ? settings.clipNorm : clip === "yes" ? 1 : Number.POSITIVE_INFINITY,
    ...chosenNumbers((_, name) => (asked.has(name) ? Number(asked.get(name)) : undefined)),
  };
  chooseData(among(asked.get("data"), DATA) ?? chosen.data);
}

/** What an address says of what is chosen. Texts, series and cells of one's own are not in it. */
export function choiceInAddress(): Readonly<Record<string, string | undefined>> {
  const { data, lag, settings } = chosen;
  const numbers = Object.entries(NUMBERS).map(([name, key]) => [name, unless(settings[key], first.settings[key])]);
  return {
    data: unless(data, first.data),
    lag: unless(lag, first.lag),
    cell: among(nameOf(settings.cell), CELLS) && unless(nameOf(settings.cell), nameOf(first.settings.cell)),
    ...Object.fromEntries(numbers),
    optimizer: unless(settings.optimizer, first.settings.optimizer),
    clip: Number.isFinite(settings.clipNorm) ? undefined : "no",
  };
}

type SettingsNumber = (typeof NUMBERS)[keyof typeof NUMBERS];
function chosenNumbers(of: (key: SettingsNumber, name: string) => number | undefined) {
  const found: Partial<Record<SettingsNumber, number>> = {};
  for (const [name, key] of Object.entries(NUMBERS)) {
    const value = of(key, name);
    if (value !== undefined) found[key] = bounded(key, value);
  }
  return found;
}

import { appended } from "./element.ts";
import { defineGates, type GatesElement } from "./gates.ts";
import type { Band } from "./heat-map.ts";

/** What the report of `longshort inspect --html` holds, as JSON in the page. */
export interface ReportData {
  readonly tokens: readonly string[];
  readonly runs: readonly {
    readonly name: string;
    /** Layers from 0; values [T, H] row-major. */
    readonly layers: readonly (readonly (Omit<Band, "data"> & { readonly data: readonly number[] })[])[];
  }[];
}

/** Fills the page of a report: for each run and layer the text, coloured by the unit that is pointed at, and its heat maps. */
export function showReport(data: ReportData): void {
  defineGates();
  for (const { name, layers } of data.runs)
    for (const [layer, bands] of layers.entries())
      show(
        `${name} · layer ${layer}`,
        data.tokens,
        bands.map((band) => ({ ...band, data: Float32Array.from(band.data) })),
      );
}

function show(title: string, tokens: readonly string[], bands: readonly Band[]): void {
  const section = appended(document.querySelector("main")!, "section", "run");
  appended(section, "h2", "").textContent = title;
  const gates = document.createElement("longshort-gates") as GatesElement;
  gates.words = {
    unit: "unit",
    text: `${title}: the text, coloured by the unit`,
    heatMaps: `${title}: arrow keys move`,
  };
  gates.content = { tokens, bands };
  gates.place = { band: Math.max(0, bands.length - 1), unit: 0, step: 0 };
  section.append(gates);
}

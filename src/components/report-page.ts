import { appended } from "./element.ts";
import { shown, shownToken } from "./format.ts";
import { defineGates, type GatesElement } from "./gates.ts";
import type { Band } from "./heat-map.ts";

/** What the report of `longshort inspect --html` holds, as JSON in the page. */
export interface ReportData {
  readonly tokens: readonly string[];
  readonly runs: readonly {
    readonly name: string;
    /** Layers from 0; values [T, H] row-major. */
    readonly layers: readonly (readonly (Omit<Band, "data"> & { readonly data: readonly number[] })[])[];
    /** Places in a corpus whose state was like that after the last token, the likest first. */
    readonly nearest?: {
      readonly title: string;
      readonly places: readonly {
        readonly before: string;
        readonly here: string;
        readonly after: string;
        readonly similarity: number;
      }[];
    };
  }[];
}

/** Fills the page of a report: for each run and layer the text, coloured by the unit that is pointed at, and its heat maps. */
export function showReport(data: ReportData): void {
  defineGates();
  appended(document.querySelector("main")!, "p", "hint").textContent =
    "Each row of a map is a unit, each column a step. Point at a unit: its value is laid over the text. Arrow keys move, too.";
  for (const { name, layers, nearest } of data.runs) {
    for (const [layer, bands] of layers.entries())
      show(
        `${name} · layer ${layer}`,
        data.tokens,
        bands.map((band) => ({ ...band, data: Float32Array.from(band.data) })),
      );
    if (nearest) showNearest(nearest);
  }
}

function showNearest({ title, places }: NonNullable<ReportData["runs"][number]["nearest"]>): void {
  const section = appended(document.querySelector("main")!, "section", "alike");
  appended(section, "h2", "").textContent = title;
  const list = appended(section, "ol", "");
  for (const { before, here, after, similarity } of places) {
    const item = appended(list, "li", "");
    appended(item, "span", "").textContent = shown(similarity, 3);
    const passage = appended(item, "code", "");
    passage.append(shownTokens(before));
    appended(passage, "mark", "").textContent = shownToken(here);
    passage.append(shownTokens(after));
  }
}

/** A piece of text on one line. */
const shownTokens = (text: string): string => Array.from(text, (c) => (c === " " ? " " : shownToken(c))).join("");

function show(title: string, tokens: readonly string[], bands: readonly Band[]): void {
  const section = appended(document.querySelector("main")!, "section", "run");
  appended(section, "h2", "").textContent = title;
  const gates = document.createElement("longshort-gates") as GatesElement;
  gates.words = {
    unit: "unit",
    text: `${title}: the text, coloured by the unit`,
    heatMaps: `${title}: arrow keys move`,
  };
  // What is kept first, then what decides over it.
  const sorted = [...bands].sort((a, b) => Number(isState(b)) - Number(isState(a)));
  gates.content = { tokens, bands: sorted };
  gates.place = { band: 0, unit: sorted[0] ? liveliest(sorted[0]) : 0, step: 0 };
  section.append(gates);
}

const isState = ({ name }: Band): boolean => name === "c" || name === "h";

/** The unit that varies most over the text. */
function liveliest({ data, units }: Band): number {
  const steps = data.length / units;
  const spread = Array.from({ length: units }, (_, unit) => {
    let [sum, squares] = [0, 0];
    for (let t = 0; t < steps; t++) {
      const v = data[t * units + unit]!;
      sum += v;
      squares += v * v;
    }
    return squares / steps - (sum / steps) ** 2;
  });
  return spread.indexOf(Math.max(...spread));
}

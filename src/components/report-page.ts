import { appended } from "./element.ts";
import { shown, shownToken } from "./format.ts";
import { defineGates, type GatesElement } from "./gates.ts";
import type { Band } from "./heat-map.ts";

/** What the report of `longshort inspect --html` holds, as JSON in the page. */
export interface ReportData {
  readonly tokens: readonly string[];
  /** What was read, where it is numbers: drawn as curves in place of the text. */
  readonly series?: readonly { readonly label: string; readonly data: readonly number[] }[];
  readonly runs: readonly {
    readonly name: string;
    /** What was read and what the model says of all, in lines. */
    readonly said: readonly string[];
    /** Numbers over the steps that were read, or that the model said: a row each. */
    readonly maps: readonly {
      readonly title: string;
      readonly rows: readonly { readonly label: string; readonly data: readonly number[] }[];
    }[];
    /** Layers and directions; values [T, H] row-major. */
    readonly layers: readonly {
      readonly title: string;
      readonly bands: readonly (Omit<Band, "data"> & { readonly data: readonly number[] })[];
    }[];
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
  const drawn = (band: Omit<Band, "data"> & { readonly data: readonly number[] }): Band => ({
    ...{ ...band, data: Float32Array.from(band.data) },
  });
  for (const { name, said, maps, layers, nearest } of data.runs) {
    if (said.length > 0) appended(document.querySelector("main")!, "pre", "said").textContent = said.join("\n");
    for (const { title, rows } of maps)
      show(
        `${name} · ${title}`,
        data,
        rows.map(({ label, data }) => drawn({ name: label, title: label, units: 1, data })),
      );
    for (const { title, bands } of layers) show(`${name} · ${title}`, data, keptFirst(bands.map(drawn)));
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

function show(title: string, { tokens, series }: Pick<ReportData, "tokens" | "series">, bands: readonly Band[]): void {
  const section = appended(document.querySelector("main")!, "section", "run");
  appended(section, "h2", "").textContent = title;
  const gates = document.createElement("longshort-gates") as GatesElement;
  gates.words = {
    unit: "unit",
    text: `${title}: the text, coloured by the unit`,
    heatMaps: `${title}: arrow keys move`,
  };
  gates.content = { tokens, bands, series };
  gates.place = { band: 0, unit: bands[0] ? liveliest(bands[0]) : 0, step: 0 };
  section.append(gates);
}

/** What is kept first, then what decides over it. */
const keptFirst = (bands: readonly Band[]): Band[] =>
  [...bands].sort((a, b) => Number(isState(b)) - Number(isState(a)));

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

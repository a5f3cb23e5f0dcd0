import { appended } from "./element.ts";
import { formatNumber, formatToken } from "./format.ts";
import { defineGates, type GatesContent } from "./gates.ts";
import type { Band } from "./heat-map.ts";
import { rangeOf, type Series } from "./series-canvas.ts";

/** A number, or what JSON has for none. */
type ReportNumber = number | null;
const numberOf = (value: ReportNumber): number => value ?? Number.NaN;

type ReportBand = Omit<Band, "data"> & { readonly data: readonly ReportNumber[] };

/** What the report of `longshort inspect --html` holds, as JSON in the page. */
export interface ReportData {
  readonly tokens: readonly string[];
  /** What was read, where it is numbers: drawn as curves in place of the text. */
  readonly series?: readonly { readonly label: string; readonly data: readonly ReportNumber[] }[];
  readonly runs: readonly {
    readonly name: string;
    /** What was read and what the model says of all, in lines. */
    readonly said: readonly string[];
    /** Numbers over the steps that were read (those that are no curve), or that the model said: a row each. */
    readonly maps: readonly {
      readonly title: string;
      readonly rows: readonly { readonly label: string; readonly data: readonly ReportNumber[] }[];
    }[];
    /** Layers and directions; values [T, H] row-major. */
    readonly layers: readonly {
      readonly title: string;
      readonly bands: readonly ReportBand[];
      /** The one that is pointed at first. */
      readonly unit: number;
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
  const main = document.querySelector("main")!;
  const curves = data.series && coloured(data.series.map((one) => ({ ...one, data: one.data.map(numberOf) })));
  appended(main, "p", "hint").textContent =
    `Each row of a map is a unit, each column a step. Point at a unit: its value is laid ${curves ? "under the curves" : "over the text"}. Arrow keys move, too.`;
  if (curves) showRanges(curves);
  const reading = { tokens: data.tokens, series: curves };
  const drawn = (band: ReportBand): Band => ({
    ...band,
    data: Float32Array.from(band.data, numberOf),
  });
  for (const { name, said, maps, layers, nearest } of data.runs) {
    const of = data.runs.length > 1 ? `${name} · ` : "";
    if (said.length > 0) appended(main, "pre", "said").textContent = said.join("\n");
    for (const { title, rows } of maps)
      show(
        `${of}${title}`,
        reading,
        rows.map(({ label, data }) => drawn({ name: label, title: label, units: 1, data })),
      );
    for (const { title, bands, unit } of layers) {
      const sorted = keptFirst(bands.map(drawn));
      // Not all of them are seen before the map is scrolled.
      show(`${of}${title}: ${sorted.map(({ name }) => name).join(", ")}`, reading, sorted, unit);
    }
    if (nearest) showNearest(nearest);
  }
}

/** Curves of one quantity share a scale; several columns, which are measured in units of their own, have their own colours and scales. */
const coloured = (series: readonly Series[]): Series[] =>
  series.length === 1
    ? [...series]
    : series.map((one, k) => ({ ...one, color: `hsl(${(205 + k * 137.5) % 360} 70% 50%)`, alone: true }));

/** What the curves are, and the ends of their scales. */
function showRanges(series: readonly Series[]): void {
  const list = appended(document.querySelector("main")!, "ul", "curves");
  for (const one of series) {
    const item = appended(list, "li", "");
    if (one.color) appended(item, "i", "").style.background = one.color;
    const [low, high] = rangeOf([one]).map((value) => String(Number(value.toPrecision(4))).replace("-", "−"));
    item.append(`${one.label || "the series"}: ${low} to ${high}`);
  }
}

function showNearest({ title, places }: NonNullable<ReportData["runs"][number]["nearest"]>): void {
  const section = appended(document.querySelector("main")!, "section", "alike");
  appended(section, "h2", "").textContent = title;
  const list = appended(section, "ol", "");
  for (const { before, here, after, similarity } of places) {
    const item = appended(list, "li", "");
    appended(item, "span", "").textContent = formatNumber(similarity, 3);
    const passage = appended(item, "code", "");
    passage.append(shownTokens(before));
    appended(passage, "mark", "").textContent = formatToken(here);
    passage.append(shownTokens(after));
  }
}

/** A piece of text on one line. */
const shownTokens = (text: string): string => Array.from(text, (c) => (c === " " ? " " : formatToken(c))).join("");

function show(
  title: string,
  { tokens, series }: Pick<GatesContent, "tokens" | "series">,
  bands: readonly Band[],
  unit = 0,
): void {
  const section = appended(document.querySelector("main")!, "section", "run");
  appended(section, "h2", "").textContent = title;
  const gates = document.createElement("longshort-gates");
  gates.words = {
    unit: "unit",
    text: `${title}: the text, coloured by the unit`,
    heatMaps: `${title}: arrow keys move`,
  };
  gates.content = { tokens, bands, series };
  gates.place = { band: 0, unit, step: 0 };
  section.append(gates);
}

/** What is kept first, then what decides over it. */
const keptFirst = (bands: readonly Band[]): Band[] =>
  [...bands].sort((a, b) => Number(isState(b)) - Number(isState(a)));

const isState = ({ name }: Band): boolean => name === "c" || name === "h";

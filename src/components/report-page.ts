import { colourOf, inkOn, legendOf, scaleOf } from "./colour.ts";
import { shown, shownToken } from "./format.ts";
import { type Band, defineHeatMap, type HeatMapElement, type HeatMapPlace } from "./heat-map.ts";

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
  defineHeatMap();
  for (const { name, layers } of data.runs)
    for (const [layer, bands] of layers.entries())
      show(
        `${name} · layer ${layer}`,
        data.tokens,
        bands.map((band) => ({ ...band, data: Float32Array.from(band.data) })),
      );
}

function show(title: string, tokens: readonly string[], bands: readonly Band[]): void {
  const make = (tag: string, kind: string, inside: Element): HTMLElement => {
    const element = document.createElement(tag);
    element.className = kind;
    inside.append(element);
    return element;
  };
  const section = make("section", "run", document.querySelector("main")!);
  make("h2", "", section).textContent = title;
  const text = make("p", "reading", section);
  const spans = tokens.map((token) => {
    const span = make("span", "", text);
    span.textContent = shownToken(token) === "␣" ? " " : shownToken(token);
    if (token === "\n") text.append(document.createElement("br"));
    return span;
  });
  const value = make("p", "value", section);
  const legend = make("i", "legend", section);
  const map = make("ls-heat-map", "", section) as HeatMapElement;
  map.label = `${title}: arrow keys move`;
  const scales = bands.map((band) => scaleOf(band.data));
  const look = ({ band, unit, step }: HeatMapPlace): void => {
    const { data, units, title: name } = bands[band]!;
    const scale = scales[band]!;
    spans.forEach((span, t) => {
      const v = data[t * units + unit]!;
      span.style.backgroundColor = colourOf(v, scale);
      span.style.color = inkOn(v, scale);
      span.classList.toggle("now", t === step);
    });
    value.textContent = `${name} · unit ${unit} · “${shownToken(tokens[step]!)}” · ${shown(data[step * units + unit]!)}`;
    legend.style.background = legendOf(scale);
    map.at = { band, unit, step };
  };
  const units = bands[0]?.units ?? 0;
  map.content = { tokens, bands, order: Array.from({ length: units }, (_, k) => k), cut: new Set() };
  map.addEventListener("place", (event) => look((event as CustomEvent<HeatMapPlace>).detail));
  look({ band: Math.max(0, bands.length - 1), unit: 0, step: 0 });
}

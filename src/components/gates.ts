import { colorOf, inkOn, legendOf, type Scale, scaleOf } from "./color.ts";
import { adoptStyle, appended, type BaseWith, defineOnce, ElementBase, whenThemeChanges } from "./element.ts";
import { formatNumber, formatToken } from "./format.ts";
import {
  type Band,
  defineHeatMap,
  expectBands,
  type HeatMapElement,
  type HeatMapPlace,
  type PlaceEvents,
} from "./heat-map.ts";
import { paintSeries, type Series } from "./series-canvas.ts";

/** What `content` of `<longshort-gates>` takes. */
export interface GatesContent {
  /** The input, step by step. */
  readonly tokens: readonly string[];
  /** Values over the steps, from top to bottom. */
  readonly bands: readonly Band[];
  /** Units from top to bottom. Default: by number. Pass the same array while the order is the same. */
  readonly order?: readonly number[] | undefined;
  /** Units that are marked as ablated. */
  readonly cut?: ReadonlySet<number> | undefined;
  /** Numbers that were read, drawn as curves instead of the text. */
  readonly series?: readonly Series[] | undefined;
}

/** Words that the element shows. */
export interface GatesWords {
  readonly unit: string;
  /** What the coloured text, the curves and the heat maps are called, for those who do not see them. */
  readonly text: string;
  readonly heatMaps: string;
}

/** A longer text is coloured around the step that is looked at only: every token is an element. */
const SHOWN_TOKENS = 600;
const NONE: ReadonlySet<number> = new Set();

const STYLE = `
:where(longshort-gates) { display: block; }
:where(longshort-gates .reading) { font: 15px/1.75 var(--mono, ui-monospace, monospace); background: var(--card, Canvas); border: 1px solid var(--line-soft, #8884); border-radius: 10px; padding: .8rem 1rem; margin: 0; max-height: 11rem; overflow-y: auto; overflow-wrap: anywhere; }
:where(longshort-gates .reading span) { padding: .16em 0; white-space: pre-wrap; unicode-bidi: isolate; forced-color-adjust: none; }
:where(longshort-gates .reading span.now) { outline: 2px solid var(--ink, CanvasText); border-radius: 2px; position: relative; }
:where(longshort-gates .series) { display: block; width: 100%; height: 132px; border: 1px solid var(--line-soft, #8884); border-radius: 10px; background: var(--card, Canvas); }
:where(longshort-gates .value) { display: flex; flex-wrap: wrap; gap: .2rem .6rem; align-items: center; margin: .7rem 0; font-size: .95rem; min-height: 1.7rem; font-variant-numeric: tabular-nums; }
:where(longshort-gates .legend) { display: inline-flex; gap: .4rem; align-items: center; margin-left: auto; font: 12px var(--mono, ui-monospace, monospace); color: var(--soft, GrayText); }
:where(longshort-gates) [hidden] { display: none; }
:where(longshort-gates .legend i) { width: 110px; height: 10px; border-radius: 5px; border: 1px solid var(--line-soft, #8884); forced-color-adjust: none; }`;

/**
 * `<longshort-gates>`: what gates and states of a model were while it read something: the text (or the series) in the colours of
 * the unit that is looked at, its value, and heat maps of all units.
 *
 * Events: "place" (another unit or step is looked at), "pick" (a unit was clicked, or Enter). Keys as of the heat map.
 *
 * @example
 * ```ts
 * defineGates();
 * const element = document.createElement("longshort-gates");
 * element.content = { tokens: [..."abc"], bands: [{ name: "f", title: "forget gate", units: 2, data }] };
 * document.body.append(element);
 * ```
 */
export class GatesElement extends (ElementBase as BaseWith<PlaceEvents>) {
  private shownContent: GatesContent = { tokens: [], bands: [] };
  private scales: Scale[] = [];
  private looked: HeatMapPlace = { band: 0, unit: 0, step: 0 };
  private from = 0;
  private spans: HTMLElement[] = [];
  private known: GatesWords = {
    unit: "unit",
    text: "What was read, coloured by the unit",
    heatMaps: "Heat maps; arrow keys move",
  };
  private byNumber: readonly number[] = [];
  private numbers: readonly string[] = [];
  /** The tokens that they are of. */
  private numbered: readonly string[] = this.numbers;
  private parts?: {
    readonly text: HTMLElement;
    readonly series: HTMLCanvasElement;
    readonly value: HTMLElement;
    readonly map: HeatMapElement;
  };
  private resized: ResizeObserver | undefined;
  private endTheme: () => void = () => undefined;

  /** Called by the page when the element is put into it. */
  connectedCallback(): void {
    adoptStyle(this, STYLE);
    if (!this.parts) {
      defineHeatMap();
      const text = appended(this, "p", "reading");
      const series = appended(this, "canvas", "series");
      series.setAttribute("role", "img");
      const value = appended(this, "p", "value");
      value.setAttribute("aria-live", "polite");
      const map = document.createElement("ls-heat-map");
      this.append(map);
      this.parts = { text, series, value, map };
      for (const kind of ["place", "pick"] as const)
        map.addEventListener(kind, (event) => this.look((event as CustomEvent<HeatMapPlace>).detail, kind));
    }
    this.endTheme = whenThemeChanges(() => this.show());
    this.resized ??= new ResizeObserver(() => this.paintSeries());
    this.resized.observe(this);
    this.rebuild();
  }

  /** Called by the page when the element is taken out of it. */
  disconnectedCallback(): void {
    this.resized?.disconnect();
    this.endTheme();
  }

  /** The content to show. */
  set content(content: GatesContent) {
    expectBands(this, content);
    const old = this.shownContent;
    if (content.bands.length !== old.bands.length || content.bands.some((b, k) => b.data !== old.bands[k]!.data))
      this.scales = content.bands.map(({ data }) => scaleOf(data));
    this.shownContent = content;
    const units = content.bands[0]?.units ?? 0;
    if (this.byNumber.length !== units) this.byNumber = Array.from({ length: units }, (_, k) => k);
    if (content.tokens !== old.tokens || (content.series === undefined) !== (old.series === undefined)) this.rebuild();
    else this.show();
  }

  /** The current value: band, unit and step. */
  get place(): HeatMapPlace {
    return this.looked;
  }
  set place(place: HeatMapPlace) {
    this.looked = place;
    this.show();
  }

  /** Words to show, in the language of the page. Default: English. */
  set words(words: GatesWords) {
    if (words.unit === this.known.unit && words.text === this.known.text && words.heatMaps === this.known.heatMaps)
      return;
    this.known = words;
    this.show();
  }

  private look(place: HeatMapPlace, kind: "place" | "pick"): void {
    this.place = place;
    this.dispatchEvent(new CustomEvent(kind, { detail: place }));
  }

  /** Elements of the tokens around the step. */
  private rebuild(): void {
    if (!this.parts) return;
    const { tokens, series } = this.shownContent;
    this.parts.text.hidden = series !== undefined;
    this.parts.series.hidden = series === undefined;
    this.from = Math.max(0, this.within().step - SHOWN_TOKENS / 2);
    this.parts.text.replaceChildren();
    const read = series ? [] : tokens.slice(this.from, this.from + SHOWN_TOKENS);
    const apart = areWords(read);
    this.spans = read.map((token, k) => {
      if (apart && k > 0) this.parts!.text.append(" ");
      const span = appended(this.parts!.text, "span", "");
      if (token === "\n") span.append("↵", document.createElement("br"));
      else span.textContent = formatToken(token) === "␣" ? " " : formatToken(token);
      span.addEventListener("pointerenter", () => this.look({ ...this.looked, step: this.from + k }, "place"));
      return span;
    });
    this.show();
  }

  private show(): void {
    if (!this.parts) return;
    const { text, series, value, map } = this.parts;
    const { tokens, bands, order, cut } = this.shownContent;
    const place = this.within();
    const { step, unit } = place;
    const band = bands[place.band];
    map.label = this.known.heatMaps;
    text.setAttribute("aria-label", this.known.text);
    series.setAttribute("aria-label", this.known.text);
    map.content = {
      tokens: this.shownContent.series ? this.stepNumbers() : tokens,
      bands,
      order: order ?? this.byNumber,
      cut: cut ?? NONE,
    };
    map.at = place;
    if (!band || tokens.length === 0) {
      value.replaceChildren();
      return;
    }
    const outside = step < this.from || step >= this.from + SHOWN_TOKENS;
    if (outside && !this.shownContent.series) {
      this.rebuild();
      return;
    }
    const scale = this.scales[place.band]!;
    const at = (t: number): number => band.data[t * band.units + unit]!;
    this.spans.forEach((span, k) => {
      const v = at(this.from + k);
      span.style.backgroundColor = colorOf(v, scale);
      span.style.color = inkOn(v, scale);
      span.classList.toggle("now", this.from + k === step);
    });
    this.paintSeries();
    const name = document.createElement("b");
    name.textContent = band.title;
    const number = document.createElement("span");
    number.dataset.unit = "";
    number.textContent = String(unit);
    const figure = document.createElement("b");
    figure.dataset.value = String(at(step));
    figure.textContent = formatNumber(at(step));
    const legend = document.createElement("span");
    legend.className = "legend";
    const bar = document.createElement("i");
    bar.style.background = legendOf(scale);
    const ends = [scale.low, scale.high];
    const digits = scale.high >= 10 || ends.every(Number.isInteger) ? 0 : 1;
    legend.append(formatNumber(scale.low, digits), bar, formatNumber(scale.high, digits));
    value.replaceChildren(
      name,
      // A value that has one row only is known by its title.
      ...(band.units === 1 ? [] : [` · ${this.known.unit} `, number]),
      ` · “${formatToken(tokens[step] ?? "")}” · `,
      figure,
      legend,
    );
  }

  /** The place that is looked at, as far as there is one. */
  private within(): HeatMapPlace {
    const { tokens, bands } = this.shownContent;
    const { band, unit, step } = this.looked;
    const among = (v: number, n: number): number => Math.min(Math.max(0, n - 1), Math.max(0, Math.trunc(v) || 0));
    const at = among(band, bands.length);
    return { band: at, unit: among(unit, bands[at]?.units ?? 0), step: among(step, tokens.length) };
  }

  /** What stands over the steps of a series: the round ones of their numbers, or all of a few. */
  private stepNumbers(): readonly string[] {
    const { tokens } = this.shownContent;
    if (this.numbered !== tokens) {
      this.numbered = tokens;
      this.numbers = tokens.map((token) => (tokens.length <= 10 || token.endsWith("0") ? token : ""));
    }
    return this.numbers;
  }

  private paintSeries(): void {
    const { series, bands } = this.shownContent;
    if (!series || !this.parts) return;
    const { band: index, unit, step } = this.within();
    const [band, scale] = [bands[index], this.scales[index]];
    const ground = band && scale ? (t: number) => colorOf(band.data[t * band.units + unit]!, scale) : undefined;
    paintSeries(this.parts.series, { series, steps: this.shownContent.tokens.length, step, ground });
  }
}

/** Whether tokens are words that were cut out of a text, which left the spaces between them out. */
const areWords = (tokens: readonly string[]): boolean =>
  tokens.some((token) => /[\p{L}\p{N}]{2}/u.test(token)) && !tokens.some((token) => /[^\S\n]/.test(token));

// For `document.querySelector("longshort-gates")` and `createElement`.
declare global {
  interface HTMLElementTagNameMap {
    "longshort-gates": GatesElement;
  }
}

/** Registers `<longshort-gates>`, once. */
export function defineGates(): void {
  defineOnce("longshort-gates", GatesElement);
}

import { colorTable, type Scale, scaleOf } from "./color.ts";
import { adoptStyle, type BaseWith, defineOnce, ElementBase, whenThemeChanges, wrongProperty } from "./element.ts";
import { formatToken } from "./format.ts";

/** Rows of one named value: [T, H] row-major, drawn in the order `units`. */
export interface Band {
  readonly name: string;
  readonly title: string;
  readonly units: number;
  readonly data: Float32Array;
}

/** A value: band, unit (not row), step. */
export interface HeatMapPlace {
  readonly band: number;
  readonly unit: number;
  readonly step: number;
}

/** What `<longshort-gates>` and `<ls-heat-map>` tell. */
export interface PlaceEvents {
  /** Another value is looked at. */
  readonly place: CustomEvent<HeatMapPlace>;
  /** A value was picked, by a click or Enter. */
  readonly pick: CustomEvent<HeatMapPlace>;
}

/** What `content` takes. */
export interface HeatMapContent {
  readonly tokens: readonly string[];
  readonly bands: readonly Band[];
  /** Units from top to bottom; the same array as long as it is the same order. */
  readonly order: readonly number[];
  /** Units that are marked as cut. */
  readonly cut: ReadonlySet<number>;
}

const HEAT_MAP_STYLE = `
:where(ls-heat-map) { display: block; height: min(62vh, 560px, var(--ls-whole, 560px)); border: 1px solid var(--line-soft, #8884); border-radius: 10px; overflow: hidden; background: var(--card, Canvas); }
:where(ls-heat-map .heat-scroll) { width: 100%; height: 100%; overflow: auto; position: relative; cursor: crosshair; }
:where(ls-heat-map .heat-scroll canvas) { position: sticky; left: 0; top: 0; display: block; }`;

/** Steps of a tile: so few that the one that comes into sight is painted between two frames. */
const TILE = 128;
const LABEL = 46;
const HEAD = 22;
const TITLE = 26;
const TITLE_FONT = "600 12px system-ui, sans-serif";
/** The widest column: a word of nine letters. */
const WORD = 76;
/** A letter of HEAD_FONT. */
const LETTER = 8;
const LABEL_FONT = "10px ui-monospace, monospace";
const HEAD_FONT = "13px ui-monospace, 'DejaVu Sans Mono', monospace";
const FONTS = [TITLE_FONT, LABEL_FONT, HEAD_FONT] as const;

/**
 * `<ls-heat-map>`: values over a text, tokens along the top, a band of units for each value. A band is painted into
 * tiles of one pixel a value when they are first seen; scrolling copies what is seen of them, whatever the size of the whole.
 *
 * Events: "place" (hovered or moved to by keys), "pick" (clicked, Enter). Keys: arrows, Home, End, Page up and down.
 */
export class HeatMapElement extends (ElementBase as BaseWith<PlaceEvents>) {
  private tokens: readonly string[] = [];
  private bands: readonly Band[] = [];
  private order: readonly number[] = [];
  private cut: ReadonlySet<number> = new Set();
  private scales: Scale[] = [];
  /** Tiles by band and number, painted when they are first seen. */
  private tiles: Map<number, HTMLCanvasElement>[] = [];
  private readonly canvas = document.createElement("canvas");
  private readonly scroller = document.createElement("div");
  private readonly spacer = document.createElement("div");
  private place: HeatMapPlace = { band: 0, unit: 0, step: 0 };
  private asked = false;
  private readonly resized = new ResizeObserver(() => this.draw());
  private endTheme: () => void = () => undefined;
  /** Pixels of a cell: wide enough for a character, flat enough for many units. */
  cellWidth = 15;
  cellHeight = 9;
  /** Pixels of a column: those of a cell, or more where few steps leave room for words. */
  private columnWidth = 15;

  /** Called by the page when the element is put into it. */
  connectedCallback(): void {
    adoptStyle(this, HEAT_MAP_STYLE);
    if (!this.scroller.isConnected) {
      this.scroller.className = "heat-scroll";
      this.scroller.append(this.canvas, this.spacer);
      this.append(this.scroller);
      this.scroller.tabIndex = 0;
      this.scroller.setAttribute("role", "application");
      this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
      this.scroller.addEventListener("pointermove", (event) => this.pointed(event, "place"));
      this.scroller.addEventListener("click", (event) => this.pointed(event, "pick"));
      this.addEventListener("keydown", (event) => this.key(event));
    }
    this.endTheme = whenThemeChanges(() => this.repaint());
    this.resized.observe(this);
    // While it was out of the page that may have turned dark.
    this.repaint();
  }

  /** Called by the page when the element is taken out of it. */
  disconnectedCallback(): void {
    this.resized.disconnect();
    this.endTheme();
  }

  /** The values to draw. */
  set content(content: HeatMapContent) {
    expectBands(this, content);
    const same =
      content.order === this.order &&
      content.bands.length === this.bands.length &&
      content.bands.every((b, k) => b.data === this.bands[k]!.data);
    Object.assign(this, content);
    if (!same) {
      this.scales = this.bands.map(({ data }) => scaleOf(data));
      this.tiles = [];
      // A small map is no taller than what is in it and the bar that scrolls it.
      if (this.bands.length > 0)
        this.style.setProperty("--ls-whole", `${HEAD + this.bands.length * this.bandHeight + 26}px`);
    }
    this.draw();
  }

  /** The accessible name. */
  set label(label: string) {
    this.scroller.setAttribute("aria-label", label);
  }

  /** The current value. */
  set at(place: HeatMapPlace) {
    this.place = place;
    this.draw();
  }

  private repaint(): void {
    this.tiles = [];
    this.draw();
  }

  private get bandHeight(): number {
    return TITLE + this.order.length * this.cellHeight;
  }

  private draw(): void {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.paint();
    });
  }

  private paint(): void {
    const { canvas, scroller } = this;
    const [width, height] = [scroller.clientWidth, scroller.clientHeight];
    if (width === 0) return;
    const room = (width - LABEL - 8) / Math.max(1, this.tokens.length);
    this.columnWidth = Math.max(this.cellWidth, Math.min(WORD, Math.floor(room)));
    this.spacer.style.width = `${LABEL + this.tokens.length * this.columnWidth + 8}px`;
    this.spacer.style.height = `${Math.max(1, HEAD + this.bands.length * this.bandHeight + 8 - height)}px`;
    const ratio = Math.min(2, devicePixelRatio || 1);
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const pen = canvas.getContext("2d")!;
    const style = getComputedStyle(this);
    const [ink, paper, soft] = ["--ink", "--card", "--soft"].map(
      (name) => style.getPropertyValue(name).trim() || (name === "--card" ? style.backgroundColor : style.color),
    );
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = paper!;
    pen.fillRect(0, 0, width, height);
    const [left, top] = [scroller.scrollLeft, scroller.scrollTop];
    const first = Math.max(0, Math.floor(left / this.columnWidth));
    const last = Math.min(this.tokens.length, Math.ceil((left + width - LABEL) / this.columnWidth) + 1);
    pen.imageSmoothingEnabled = false;
    this.bands.forEach((band, k) => {
      const y = HEAD + k * this.bandHeight - top;
      if (y > height || y + this.bandHeight < 0) return;
      for (let tile = Math.floor(first / TILE); tile * TILE < last; tile++) {
        const image = this.tileOf(k, tile);
        pen.drawImage(
          image,
          ...([LABEL + tile * TILE * this.columnWidth - left, y + TITLE] as const),
          ...([image.width * this.columnWidth, this.order.length * this.cellHeight] as const),
        );
      }
      pen.fillStyle = paper!;
      pen.fillRect(0, y, LABEL, this.bandHeight);
      pen.fillStyle = ink!;
      pen.font = TITLE_FONT;
      pen.textBaseline = "middle";
      pen.fillText(band.title, 6, y + TITLE / 2 + 2);
      this.labels(pen, { y: y + TITLE, height, soft: soft! });
    });
    // Fonts are looked up when something is first drawn with them; an empty map does it before there is work to wait for.
    if (this.bands.length === 0) for (const font of FONTS) this.warm(pen, font);
    this.head(pen, { first, last, left, width, ink: ink!, paper: paper!, soft: soft! });
    this.cursor(pen, left, top, ink!);
  }

  private warm(pen: CanvasRenderingContext2D, font: string): void {
    pen.font = font;
    pen.measureText("0 f ␣");
  }

  private labels(
    pen: CanvasRenderingContext2D,
    { y, height, soft }: { y: number; height: number; soft: string },
  ): void {
    // One row is known by the title above it.
    if (this.order.length === 1) return;
    const every = Math.max(1, Math.ceil(11 / this.cellHeight));
    pen.font = LABEL_FONT;
    pen.textAlign = "right";
    pen.fillStyle = soft;
    const from = Math.max(0, Math.floor(-y / this.cellHeight));
    const end = Math.min(this.order.length, Math.ceil((height - y) / this.cellHeight));
    for (let row = from; row < end; row++) {
      const unit = this.order[row]!;
      if (row % every !== 0 && !this.cut.has(unit)) continue;
      pen.fillText(this.cut.has(unit) ? `✕ ${unit}` : String(unit), LABEL - 6, y + (row + 0.5) * this.cellHeight);
    }
    pen.textAlign = "left";
  }

  private head(
    pen: CanvasRenderingContext2D,
    at: { first: number; last: number; left: number; width: number; ink: string; paper: string; soft: string },
  ): void {
    pen.fillStyle = at.paper;
    pen.fillRect(0, 0, at.width, HEAD);
    pen.font = HEAD_FONT;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (let t = at.first; t < at.last; t++) {
      const token = this.tokens[t]!;
      pen.fillStyle = /^\s$/.test(token) ? at.soft : at.ink;
      // A longer one has room where nothing follows it.
      const shown = this.tokens[t + 1] === "" ? token : fitted(formatToken(token), this.columnWidth);
      pen.fillText(shown, LABEL + (t + 0.5) * this.columnWidth - at.left, HEAD / 2 + 1);
    }
    pen.textAlign = "left";
    pen.fillStyle = at.paper;
    pen.fillRect(0, 0, LABEL - 2, HEAD);
  }

  private cursor(pen: CanvasRenderingContext2D, left: number, top: number, ink: string): void {
    const { step, unit, band } = this.place;
    const row = this.order.indexOf(unit);
    if (row < 0) return;
    const x = LABEL + step * this.columnWidth - left;
    const y = HEAD + band * this.bandHeight + TITLE + row * this.cellHeight - top;
    if (x < LABEL - 1) return;
    pen.strokeStyle = ink;
    pen.lineWidth = 1;
    pen.globalAlpha = 0.35;
    pen.strokeRect(x + 0.5, 2.5, this.columnWidth - 1, pen.canvas.height);
    pen.globalAlpha = 1;
    if (y < HEAD - 1) return;
    pen.lineWidth = 2;
    pen.strokeRect(x, y, this.columnWidth, this.cellHeight);
  }

  private tileOf(k: number, tile: number): HTMLCanvasElement {
    this.tiles[k] ??= new Map();
    const known = this.tiles[k].get(tile);
    if (known) return known;
    const { data, units } = this.bands[k]!;
    const from = tile * TILE;
    const image = document.createElement("canvas");
    image.width = Math.max(1, Math.min(TILE, this.tokens.length - from));
    image.height = Math.max(1, this.order.length);
    const pen = image.getContext("2d")!;
    const pixels = pen.createImageData(image.width, image.height);
    const words = new Uint32Array(pixels.data.buffer);
    // A table in place of mixing colours a million times.
    const { low, high } = this.scales[k]!;
    const table = colorTable(this.scales[k]!);
    const factor = 255 / (high - low);
    const { width } = image;
    this.order.forEach((unit, row) => {
      // A projected state has fewer units than the cell.
      if (unit >= units) return;
      for (let t = 0; t < width; t++) {
        const share = (data[(from + t) * units + unit]! - low) * factor;
        // What is no number is drawn as nothing.
        if (Number.isNaN(share)) continue;
        words[row * width + t] = table[share >= 255 ? 255 : share > 0 ? Math.round(share) : 0]!;
      }
    });
    pen.putImageData(pixels, 0, 0);
    this.tiles[k].set(tile, image);
    return image;
  }

  private pointed(event: MouseEvent, kind: "place" | "pick"): void {
    const box = this.scroller.getBoundingClientRect();
    const step = Math.floor((event.clientX - box.left + this.scroller.scrollLeft - LABEL) / this.columnWidth);
    const y = event.clientY - box.top + this.scroller.scrollTop - HEAD;
    const band = Math.floor(y / this.bandHeight);
    const row = Math.floor((y - band * this.bandHeight - TITLE) / this.cellHeight);
    if (event.clientY - box.top < HEAD || !(row >= 0 && row < this.order.length) || !this.bands[band]) return;
    const onLabel = kind === "pick" && step < 0;
    if (!onLabel && !(step >= 0 && step < this.tokens.length)) return;
    this.tell(kind, { band, unit: this.order[row]!, step: onLabel ? this.place.step : step });
  }

  private key(event: KeyboardEvent): void {
    if (this.bands.length === 0 || this.tokens.length === 0) return;
    const { step, unit, band } = this.place;
    const row = Math.max(0, this.order.indexOf(unit));
    const place = { band, row, step };
    const moves: Record<string, () => void> = {
      ArrowRight: () => place.step++,
      ArrowLeft: () => place.step--,
      ArrowDown: () => place.row++,
      ArrowUp: () => place.row--,
      PageDown: () => place.band++,
      PageUp: () => place.band--,
      Home: () => (place.step = 0),
      End: () => (place.step = this.tokens.length - 1),
    };
    if (event.key === "Enter" || event.key === " ") this.tell("pick", this.place);
    else if (moves[event.key]) {
      moves[event.key]!();
      const within = (v: number, n: number): number => Math.min(n - 1, Math.max(0, v));
      const to = {
        band: within(place.band, this.bands.length),
        unit: this.order[within(place.row, this.order.length)]!,
        step: within(place.step, this.tokens.length),
      };
      this.tell("place", to);
      this.reveal(to);
    } else return;
    event.preventDefault();
  }

  private reveal({ step, band, unit }: HeatMapPlace): void {
    const { scroller } = this;
    const [x, y] = [
      step * this.columnWidth,
      band * this.bandHeight + TITLE + this.order.indexOf(unit) * this.cellHeight,
    ];
    const [width, height] = [scroller.clientWidth - LABEL, scroller.clientHeight - HEAD];
    if (x < scroller.scrollLeft || x > scroller.scrollLeft + width - this.columnWidth)
      scroller.scrollLeft = x - width / 2;
    if (y < scroller.scrollTop || y > scroller.scrollTop + height - this.cellHeight)
      scroller.scrollTop = y - height / 2;
  }

  private tell(kind: "place" | "pick", place: HeatMapPlace): void {
    this.place = place;
    this.draw();
    this.dispatchEvent(new CustomEvent(kind, { detail: place }));
  }
}

/** As much of a token as a column has room for, at least two characters. */
function fitted(token: string, width: number): string {
  const room = Math.max(2, Math.floor(width / LETTER));
  const characters = [...token];
  if (characters.length <= room) return token;
  return room > 3 ? `${characters.slice(0, room - 1).join("")}…` : characters.slice(0, room).join("");
}

/** @throws TypeError for something else than bands with a number for each unit and step */
export function expectBands(element: Element, content: Pick<HeatMapContent, "tokens" | "bands">): void {
  if (!Array.isArray(content?.tokens) || !Array.isArray(content.bands))
    throw wrongProperty(element, "content", "{ tokens, bands } with an array in each", content);
  const steps = content.tokens.length;
  for (const { name, units, data } of content.bands) {
    if (!(units > 0))
      throw wrongProperty(element, "content", `units of at least 1 in the band "${name}"`, units, String(units));
    const numbers = `${steps} steps × ${units} units = ${steps * units} numbers in the band "${name}"`;
    if (data?.length !== steps * units)
      throw wrongProperty(element, "content", numbers, data, String(data?.length ?? "none"));
  }
}

// For `document.querySelector("ls-heat-map")` and `createElement`.
declare global {
  interface HTMLElementTagNameMap {
    "ls-heat-map": HeatMapElement;
  }
}

/** Registers `<ls-heat-map>`, once. */
export function defineHeatMap(): void {
  defineOnce("ls-heat-map", HeatMapElement);
}

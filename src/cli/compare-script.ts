import type { shownNumber, ticks as ticksOf, withAir as withAirOf } from "../shared/axis.ts";
import type { extremes as extremesOf } from "../shared/extremes.ts";

type XY = readonly [number, number];

export interface ChartData {
  readonly names: readonly string[];
  readonly charts: readonly { readonly name: string; readonly curves: readonly (readonly XY[])[] }[];
}

/** What the axes of all pages share. */
export interface AxisTools {
  readonly ticks: typeof ticksOf;
  readonly withAir: typeof withAirOf;
  readonly number: typeof shownNumber;
  readonly extremes: typeof extremesOf;
}

/**
 * Draws the curves in the page. It runs there and not here: its text is put into the page, so it may use nothing from
 * outside itself.
 */
export function drawCharts({ names, charts }: ChartData, { ticks, withAir, number, extremes }: AxisTools): void {
  /** Of a figure, in the style sheet. */
  const PADDING = 18;
  const SVG = "http://www.w3.org/2000/svg";
  const place = document.querySelector("#charts")!;
  const hidden = new Set<number>();
  const redraws: (() => void)[] = [];
  const followers: ((step: number | undefined) => void)[] = [];

  const make = (name: string, attributes: Record<string, string | number>, parent: Element): SVGElement => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    return parent.appendChild(element);
  };
  const write = (text: string, attributes: Record<string, string | number>, parent: Element): void => {
    make("text", attributes, parent).textContent = text;
  };
  /** The point of a curve that is nearest to a step. */
  const nearest = (points: readonly XY[], step: number): XY => {
    let [low, high] = [0, points.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (points[middle]![0] <= step) low = middle;
      else high = middle;
    }
    return Math.abs(points[low]![0] - step) <= Math.abs(points[high]![0] - step) ? points[low]! : points[high]!;
  };

  const last = Math.max(...charts.flatMap(({ curves }) => curves.map((points) => points.at(-1)?.[0] ?? 0)));
  for (const [index, { name, curves }] of charts.entries()) {
    const figure = place.appendChild(document.createElement("figure"));
    const wide = index < 2;
    if (wide) figure.className = "wide";
    const caption = figure.appendChild(document.createElement("figcaption"));
    caption.textContent = name;
    caption.appendChild(document.createElement("small")).textContent =
      name === "speed" ? "a second, by step" : "by step";
    const height = wide ? 300 : 210;
    const [left, top, bottom] = [50, 8, height - 24];
    /** Pixels of the picture, which are its units: letters are as large on a narrow screen. */
    let width = 0;
    let right = 0;
    const svg = make("svg", { height, role: "img", "aria-label": name }, figure);
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    figure.appendChild(tip);
    let scaleY = (value: number): number => value;
    let marks: Element;
    const scaleX = (step: number): number => left + (step / (last || 1)) * (right - left);
    const shown = (): number[] => curves.flatMap((points, k) => (hidden.has(k) || points.length === 0 ? [] : [k]));

    const redraw = (): void => {
      width = figure.clientWidth - 2 * PADDING;
      right = width - 8;
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.replaceChildren();
      const values = shown().flatMap((k) => curves[k]!.map(([, value]) => value));
      const [low, high] = values.length === 0 ? [0, 1] : extremes(values);
      const [below, topValue] = withAir(low, high);
      const bottomValue = low >= 0 ? Math.max(0, below) : below;
      scaleY = (value) => bottom - ((value - bottomValue) / (topValue - bottomValue)) * (bottom - top);
      for (const value of ticks(bottomValue, topValue, wide ? 6 : 4)) {
        make("line", { class: "grid", x1: left, x2: right, y1: scaleY(value), y2: scaleY(value) }, svg);
        write(number(value), { x: left - 8, y: scaleY(value) + 4, "text-anchor": "end" }, svg);
      }
      make("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }, svg);
      for (const step of ticks(0, last, width > 400 ? 5 : 3))
        write(number(step), { x: scaleX(step), y: bottom + 16, "text-anchor": step === 0 ? "start" : "middle" }, svg);
      for (const k of shown()) {
        const path = curves[k]!.map(
          ([step, value], at) => `${at === 0 ? "M" : "L"}${scaleX(step).toFixed(1)} ${scaleY(value).toFixed(1)}`,
        );
        const colour = `var(--run-${k % 7})`;
        make("path", { class: "curve", d: path.join(""), stroke: colour }, svg);
        // One measurement makes no line.
        const [[step, value]] = curves[k]! as [XY];
        if (path.length === 1) make("circle", { cx: scaleX(step), cy: scaleY(value), r: 4, fill: colour }, svg);
      }
      marks = make("g", {}, svg);
    };

    /** Shows the values at a step; only the chart under the pointer shows them in words. */
    const follow = (step: number | undefined, inWords = false): void => {
      marks.replaceChildren();
      tip.hidden = true;
      if (step === undefined || shown().length === 0) return;
      const near = shown().map((k) => ({ k, point: nearest(curves[k]!, step) }));
      const at = near.reduce(
        (best, { point }) => (Math.abs(point[0] - step) < Math.abs(best - step) ? point[0] : best),
        Number.POSITIVE_INFINITY,
      );
      const x = scaleX(at);
      make("line", { class: "cross", x1: x, x2: x, y1: top, y2: bottom }, marks);
      for (const { k, point } of near)
        make(
          "circle",
          { class: "dot", cx: scaleX(point[0]), cy: scaleY(point[1]), r: 4, fill: `var(--run-${k % 7})` },
          marks,
        );
      if (!inWords) return;
      tip.replaceChildren();
      tip.appendChild(document.createElement("b")).textContent = `step ${number(at)}`;
      for (const { k, point } of near.sort((a, b) => a.point[1] - b.point[1])) {
        const row = tip.appendChild(document.createElement("span"));
        row.appendChild(document.createElement("i")).style.background = `var(--run-${k % 7})`;
        row.append(names[k]!);
        row.appendChild(document.createElement("strong")).textContent = number(point[1]);
      }
      tip.hidden = false;
      const box = svg.getBoundingClientRect();
      const place = PADDING + (x * box.width) / width;
      tip.style.left = `${place > box.width / 2 ? place - tip.offsetWidth - 14 : place + 14}px`;
      tip.style.top = "48px";
    };
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const inside = (((event as PointerEvent).clientX - box.left) / box.width) * width;
      const step = ((Math.min(right, Math.max(left, inside)) - left) / (right - left)) * last;
      for (const other of followers) other(step);
      follow(step, true);
    });
    svg.addEventListener("pointerleave", () => {
      for (const other of followers) other(undefined);
    });
    followers.push((step) => follow(step));
    redraws.push(redraw);
  }
  const redrawAll = (): void => {
    for (const redraw of redraws) redraw();
  };
  redrawAll();
  window.addEventListener("resize", redrawAll);

  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-run]")) {
    button.addEventListener("click", () => {
      const run = Number(button.dataset.run);
      if (!hidden.delete(run)) hidden.add(run);
      button.setAttribute("aria-pressed", String(!hidden.has(run)));
      redrawAll();
    });
  }
}

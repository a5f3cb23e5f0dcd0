import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { comparePage } from "../../src/cli/compare-page.ts";
import { drawCharts } from "../../src/cli/compare-script.ts";
import { CURVES, type Point, type RunStory } from "../../src/cli/run-story.ts";
import { shownNumber, ticks, withAir } from "../../src/shared/axis.ts";
import { extremes } from "../../src/shared/extremes.ts";

/** As much of a page as the script needs. */
class FakeElement {
  readonly attributes: Record<string, string> = {};
  readonly children: (FakeElement | string)[] = [];
  readonly listeners: Record<string, (event: object) => void> = {};
  readonly style: Record<string, string> = {};
  readonly dataset: Record<string, string> = {};
  clientWidth = 636;
  offsetWidth = 100;
  hidden = false;
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  set textContent(text: string) {
    this.children.splice(0, Number.POSITIVE_INFINITY, text);
  }
  setAttribute(name: string, value: string): void {
    this.attributes[name] = value;
  }
  appendChild(child: FakeElement): FakeElement {
    this.children.push(child);
    return child;
  }
  append(text: string): void {
    this.children.push(text);
  }
  replaceChildren(): void {
    this.children.length = 0;
  }
  addEventListener(type: string, listener: (event: object) => void): void {
    this.listeners[type] = listener;
  }
  getBoundingClientRect = () => ({ left: 0, width: 600 });
  /** What is in it of a kind, however deep. */
  all(name: string): FakeElement[] {
    return this.children.flatMap((one) =>
      typeof one === "string" ? [] : [...(one.name === name ? [one] : []), ...one.all(name)],
    );
  }
  get text(): string {
    return this.children.map((one) => (typeof one === "string" ? one : one.text)).join("");
  }
}

let charts: FakeElement;
let buttons: FakeElement[];
beforeEach(() => {
  charts = new FakeElement("div");
  buttons = [0, 1].map((run) => Object.assign(new FakeElement("button"), { dataset: { run: String(run) } }));
  vi.stubGlobal("document", {
    querySelector: () => charts,
    querySelectorAll: () => buttons,
    createElement: (name: string) => new FakeElement(name),
    createElementNS: (_: string, name: string) => new FakeElement(name),
  });
  vi.stubGlobal("window", new FakeElement("window"));
});
afterEach(() => vi.unstubAllGlobals());

const draw = (...curves: (readonly Point[])[]): FakeElement => {
  const names = curves.map((_, k) => `run ${k}`);
  drawCharts({ names, charts: [{ name: "training loss", curves }] }, { ticks, withAir, number: shownNumber, extremes });
  return charts.all("svg").at(-1)!;
};
/** A curve through steps and values in turn. */
const through = (...flat: readonly number[]): Point[] =>
  Array.from({ length: flat.length / 2 }, (_, k) => [flat[2 * k]!, flat[2 * k + 1]!] as const);
const labels = (svg: FakeElement, anchor: string): string[] =>
  svg.all("text").flatMap((one) => (one.attributes["text-anchor"] === anchor ? [one.text] : []));
const paths = (svg: FakeElement): string[] => svg.all("path").map(({ attributes }) => attributes.d!);

describe("the curves of compare", () => {
  it("go from the first step to the last, with air above and below, but not below 0 where nothing is", () => {
    const svg = draw(through(0, 1, 50, 0.5, 100, 0.01));
    // 300 high, 24 of them below the axis; 600 wide, 50 of them before it.
    expect(svg.attributes).toMatchObject({ viewBox: "0 0 600 300", "aria-label": "training loss" });
    const [[, x0, y0], , [, x2, y2]] = [...paths(svg)[0]!.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map((m) =>
      m.map(Number),
    ) as [[number, number, number], unknown, [number, number, number]];
    expect([x0, x2]).toEqual([50, 592]);
    expect(y0).toBeGreaterThan(8);
    expect(y2).toBeLessThan(276);
    expect(labels(svg, "end")).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    expect(labels(svg, "middle")).toEqual(["20", "40", "60", "80", "100"]);
    expect(labels(svg, "start")).toEqual(["0"]);
    expect(labels(draw(through(0, -1, 9, 1)), "end")[0]).toMatch(/^-/);
    // A twentieth of the range stays free below the least and above the most.
    expect(paths(draw(through(0, 11, 10, 10)))).toEqual(["M50.0 20.2L592.0 263.8"]);
  });

  it("of one value are a line, of one measurement a dot, of none nothing", () => {
    const line = draw(through(1, 7, 9, 7));
    expect(paths(line)[0]).toMatch(/^M[\d.]+ ([\d.]+)L592\.0 \1$/);
    const dot = draw(through(5, 7), []);
    expect(dot.all("circle")).toHaveLength(1);
    expect(paths(dot)).toHaveLength(1);
    for (const { attributes } of [...dot.all("circle"), ...dot.all("text")])
      for (const value of Object.values(attributes)) expect(value).not.toMatch(/NaN|Infinity/);
  });

  it("are drawn again where the page gets another width", () => {
    const page = new FakeElement("window");
    vi.stubGlobal("window", page);
    const svg = draw(through(0, 1, 10, 2));
    charts.all("figure").at(-1)!.clientWidth = 336;
    page.listeners.resize!({});
    expect(svg.attributes.viewBox).toBe("0 0 300 300");
    expect(paths(svg)).toEqual([expect.stringMatching(/^M50\.0 [\d.]+L292\.0 [\d.]+$/)]);
  });

  it("of any number of runs have a scale", () => {
    const curve = Array.from({ length: 2000 }, (_, k): Point => [k, k % 7]);
    expect(paths(draw(...new Array<readonly Point[]>(100).fill(curve)))).toHaveLength(100);
  });

  it("say what the runs had at the step that is pointed at, the nearest measurement of each", () => {
    const svg = draw(through(0, 4, 10, 3), through(0, 2, 8, 1));
    const [tip] = charts.all("div");
    expect(tip!.hidden).toBe(true);
    const at = (clientX: number) => svg.listeners.pointermove!({ clientX });
    at(592);
    expect(tip!.hidden).toBe(false);
    expect(tip!.all("span").map((row) => row.text)).toEqual(["run 11", "run 03"]);
    // On the side of the pointer that has room, in the colour of each run.
    expect(tip!.style.left).toBe("496px");
    const colours = ["var(--run-0)", "var(--run-1)"];
    expect(svg.all("circle").map(({ attributes }) => attributes.fill)).toEqual(colours);
    expect(svg.all("path").map(({ attributes }) => attributes.stroke)).toEqual(colours);
    expect(tip!.all("i").map(({ style }) => style.background)).toEqual(colours.toReversed());
    expect(tip!.all("b")[0]!.text).toBe("step 10");
    expect(svg.all("circle")).toHaveLength(2);
    at(50);
    expect(tip!.all("span").map((row) => row.text)).toEqual(["run 12", "run 04"]);
    expect(tip!.style.left).toBe("82px");
    // Of a step in the middle between two the earlier one.
    at(50 + 542 * 0.4);
    expect(tip!.all("span").map((row) => row.text)).toEqual(["run 12", "run 04"]);
    svg.listeners.pointerleave!({});
    expect([tip!.hidden, svg.all("circle").length]).toEqual([true, 0]);
    // A run that is switched off is neither drawn nor told.
    buttons[0]!.listeners.click!({});
    expect(buttons[0]!.attributes["aria-pressed"]).toBe("false");
    expect(paths(svg)).toHaveLength(1);
    at(592);
    expect(tip!.all("span").map((row) => row.text)).toEqual(["run 11"]);
    buttons[0]!.listeners.click!({});
    expect([buttons[0]!.attributes["aria-pressed"], paths(svg).length]).toEqual(["true", 2]);
  });

  it("follow the pointer in every chart, in words only in the one that it is in", () => {
    const chart = { name: "speed", curves: [through(0, 1, 10, 2)] };
    const charted = { names: ["run 0"], charts: [chart, { ...chart, name: "loss" }] };
    drawCharts(charted, { ticks, withAir, number: shownNumber, extremes });
    const [one, other] = charts.all("svg");
    one!.listeners.pointermove!({ clientX: 592 });
    expect([one, other].map((svg) => svg!.all("circle").length)).toEqual([1, 1]);
    expect(charts.all("div").map(({ hidden }) => hidden)).toEqual([false, true]);
    expect(charts.all("figcaption").map(({ text }) => text)).toEqual(["speeda second, by step", "lossby step"]);
  });

  it("find the nearest of many measurements, and of several runs the step that is nearest to the pointer", () => {
    const svg = draw(through(0, 1, 2, 2, 4, 3, 6, 4, 8, 5, 10, 6), through(0, 9, 7, 8));
    const [tip] = charts.all("div");
    for (const [step, ...rows] of [
      [7.4, "run 05", "run 18"],
      [6.9, "run 04", "run 18"],
      [1.1, "run 02", "run 19"],
      [0.9, "run 01", "run 19"],
    ] as const) {
      svg.listeners.pointermove!({ clientX: 50 + 54.2 * step });
      expect(tip!.all("span").map((row) => row.text)).toEqual(rows);
    }
    svg.listeners.pointermove!({ clientX: 50 + 54.2 * 6.9 });
    expect(svg.all("line").find(({ attributes }) => attributes.class === "cross")!.attributes.x1).toBe(
      String(50 + (7 / 10) * 542),
    );
    expect(tip!.all("b")[0]!.text).toBe("step 7");
  });
});

describe("the page of compare", () => {
  it("shows names and settings as they are: none of them is HTML, none ends the script", () => {
    const evil = `</script><img src=x onerror="alert('1')">`;
    const story: RunStory = {
      ...{ folder: evil, task: "text", model: {}, settings: {}, start: { parameters: 7 }, best: undefined },
      ...{ step: 9, epoch: 1, seconds: 3, ended: "done", changed: new Date(0), files: [] },
      curves: Object.fromEntries(CURVES.map((name) => [name, [[1, 2]]])) as never,
    };
    const page = comparePage([story, { ...story, folder: "b" }], [{ setting: evil, values: [evil, { a: evil }] }]);
    expect(page).not.toContain("<img");
    // Wider than its page, it is scrolled by keys as well.
    expect(page).toContain('<div class="table" tabindex="0" role="region" aria-label="Results and settings">');
    expect(page.match(/<\/script>/g)).toHaveLength(1);
    expect(page).toContain("&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;");
  });
});

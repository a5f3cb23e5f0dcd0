import { describe, expect, it } from "vitest";
import {
  bandsOf,
  coverageOf,
  exact,
  type FigureOptions,
  type FigureSteps,
  forecastFigure,
  timeOf,
} from "../../src/cli/forecast-figure.ts";
import { timeZone } from "../../src/data/time-zone.ts";

const day = 86_400_000;
/** Values that are known, then what is forecast. */
function figure(known: readonly number[], ahead: readonly number[], more: Partial<FigureOptions> = {}): FigureOptions {
  const quantiles = [0.1, 0.9].map((level, k) => ({ level, values: Float64Array.from(ahead, (v) => v + 2 * k - 1) }));
  return {
    ...{ id: "f0-0", target: "sales", past: 100, season: 2, step: undefined, timeZone: timeZone("UTC") },
    series: { id: "", values: { sales: Float64Array.from(known) } } as never,
    forecast: {
      ...{ id: "", origin: known.length, times: undefined },
      targets: { sales: { point: Float64Array.from(ahead), quantiles } },
    } as never,
    ...more,
  };
}
const stepsOf = (svg: string): FigureSteps =>
  JSON.parse(/data-steps="([^"]*)"/.exec(svg)![1]!.replaceAll("&quot;", '"').replaceAll("&#39;", "'"));
const path = (svg: string, name: string): string => new RegExp(`class="${name}" d="([^"]*)"`).exec(svg)![1]!;

describe("the picture of a forecast", () => {
  it("goes from the first step that is known to the last that is forecast, in the middle of its interval", () => {
    const svg = forecastFigure(figure([1, 2, 3], [4, 5]));
    const numbers = (name: string) => path(svg, name).match(/[\d.]+(?= )/g)!;
    expect(numbers("curve known")).toEqual(["58.0", "310.5", "563.0"]);
    expect(numbers("curve ahead")).toEqual(["815.5", "1068.0"]);
    // 0.75 of 1 to 6 and a twentieth of air, upside down between 304 and 10.
    expect(path(svg, "curve known")).toMatch(/^M58\.0 290\.6h0L310\.5 237\.2L/);
    expect(path(svg, "band").split("L")).toHaveLength(4);
    const { origin, first, apart, words } = stepsOf(svg);
    expect({ origin, first, apart }).toEqual({ origin: 3, first: 58, apart: 252.5 });
    expect(words).toEqual([
      ...["1: 1 (known)", "2: 2 (known)", "3: 3 (known)"],
      ...["4: 4 (forecast, 80 % between 3 and 5)", "5: 5 (forecast, 80 % between 4 and 6)"],
    ]);
    expect(svg).toContain(
      "3 steps are known, up to 3 (3). 2 are forecast, from 4 (4) to 5 (5). The last one lies with 80 % between 4 and 6.",
    );
  });

  it("has labels that stay in it, and a line between what is known and what is forecast", () => {
    const svg = forecastFigure(figure([1, 2], [3], { season: 1 }));
    const anchors = [...svg.matchAll(/y="321" text-anchor="(\w+)">(\d+)</g)].map(([, side, label]) => [side, label]);
    expect(anchors).toEqual([
      ["start", "1"],
      ["middle", "2"],
      ["end", "3"],
    ]);
    // One and a half of two steps from 58 to 1068.
    expect(svg).toContain('<line class="axis" x1="815.5" x2="815.5"');
  });

  it("has gaps where values are missing, and a dot for one between two of them", () => {
    const svg = forecastFigure(figure([1, Number.NaN, 3, Number.NaN, 2, 4], [4]));
    expect(
      path(svg, "curve known")
        .match(/M[^M]*/g)!
        .map((piece) => piece.split("L").length),
    ).toEqual([1, 1, 2]);
    expect(stepsOf(svg).words[1]).toBe("2: missing");
    const all = forecastFigure(figure([Number.NaN, Number.NaN], [4]));
    expect(all).toContain("up to 2 (missing)");
    expect(path(all, "curve known")).toBe("");
    expect(all).not.toMatch(/="[^"]*NaN[^"]*"/);
  });

  it("of one value, of one step and of a series that only begins stays in the picture", () => {
    for (const options of [figure([7, 7], [7]), figure([0], [0]), figure([], [1]), figure([], [5, 5])]) {
      const svg = forecastFigure(options);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      for (const [, y] of path(svg, "curve ahead").matchAll(/[\d.]+ ([-\d.]+)/g)) {
        expect(Number(y)).toBeGreaterThanOrEqual(10);
        expect(Number(y)).toBeLessThanOrEqual(304);
      }
    }
    expect(forecastFigure(figure([], [1]))).toContain("Nothing is known.");
  });

  it("shows no more of the past than it is told, and marks whole rounds from the first step ahead on", () => {
    const known = Array.from({ length: 50 }, (_, k) => k);
    const svg = forecastFigure(figure(known, [1, 2, 3, 4], { past: 20, season: 7 }));
    expect(stepsOf(svg)).toMatchObject({ origin: 20 });
    expect(stepsOf(svg).words[0]).toBe("31: 30 (known)");
    // Below the axis.
    const marks = [...svg.matchAll(/y="321" text-anchor="\w+">(\d+)</g)].map(([, label]) => Number(label));
    expect(marks).toEqual([37, 44, 51]);
  });

  it("shows names as they are: none of them is HTML", () => {
    const evil = `<img src=x onerror="a('b')">`;
    const options = figure([1, 2], [3]);
    const svg = forecastFigure({
      ...{ ...options, target: evil },
      series: { id: evil, values: { [evil]: Float64Array.of(1, 2) } } as never,
      forecast: { ...options.forecast, id: evil, targets: { [evil]: options.forecast.targets.sales! } } as never,
    });
    expect(svg).not.toContain("<img");
    expect(svg).toContain("&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt; of &lt;img");
  });

  it("says when a step is, as long as steps are", () => {
    const times = [0, day, 2 * day].map((t) => Date.UTC(2024, 0, 30) + t);
    const at = (step: object | undefined, k: number) => {
      const options = figure([1, 2], [3], { step: step as never });
      return timeOf(k, {
        ...{ ...options, series: { ...options.series, times: Float64Array.from(times.slice(0, 2)) } as never },
        forecast: { ...options.forecast, times: times.slice(2) } as never,
      });
    };
    expect(at({ unit: "day", count: 1 }, 1)).toBe("2024-01-31");
    expect(at({ unit: "day", count: 1 }, 2)).toBe("2024-02-01");
    expect(at({ unit: "month", count: 1 }, 2)).toBe("2024-02");
    expect(at({ unit: "millisecond", count: 60_000 }, 0)).toBe("2024-01-30 00:00");
    expect(at({ unit: "millisecond", count: 1000 }, 0)).toBe("2024-01-30 00:00:00");
    expect(at(undefined, 2)).toBe("3");
  });

  it("pairs the lowest quantile with the highest; one in the middle is in no interval", () => {
    const quantiles = [0.05, 0.25, 0.5, 0.75, 0.95].map((level) => ({ level, values: new Float64Array(1) }));
    expect(bandsOf(quantiles).map((pair) => pair.map(({ level }) => level))).toEqual([
      [0.05, 0.95],
      [0.25, 0.75],
    ]);
    expect(bandsOf(quantiles).map(coverageOf)).toEqual(["90 %", "50 %"]);
    expect([exact(1234567), exact(0.1 + 0.2), exact(-3)]).toEqual(["1234570", "0.3", "-3"]);
  });
});

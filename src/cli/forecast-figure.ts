import type { TimeSeries } from "../data/time-series.ts";
import type { TimeStep } from "../data/time-step.ts";
import { type TimeZone, wallClock } from "../data/time-zone.ts";
import type { SeriesForecast, TargetForecast } from "../run/forecaster.ts";
import { shownNumber, ticks, withAir } from "../shared/axis.ts";
import { extremes } from "../shared/extremes.ts";
import { escaped } from "./page.ts";

export interface FigureOptions {
  /** Names ids in the page. */
  readonly id: string;
  readonly series: TimeSeries;
  readonly forecast: SeriesForecast;
  /** Which column. */
  readonly target: string;
  /** Steps of the past that are shown, at most. */
  readonly past: number;
  /** Steps of one round, to put marks on the axis at. */
  readonly season: number;
  readonly step: TimeStep | undefined;
  readonly timeZone: TimeZone;
}

const [WIDTH, HEIGHT] = [1080, 330];
const [LEFT, RIGHT, TOP, BOTTOM] = [58, WIDTH - 12, 10, HEIGHT - 26];
/** Labels on the axis of steps. */
const LABELS = 8;

/** What `followSteps` reads: where steps are in the picture, and each in words. */
export interface FigureSteps {
  readonly first: number;
  readonly apart: number;
  /** The first that is forecast. */
  readonly origin: number;
  readonly words: readonly string[];
}

/** A column of a series and what is forecast of it, with its intervals: a picture that also says in words what it shows. */
export function forecastFigure(options: FigureOptions): string {
  const { id, forecast, target, past } = options;
  const { origin, targets } = forecast;
  const { point, quantiles } = targets[target]!;
  const first = Math.max(0, origin - past);
  const known = options.series.values[target]!.subarray(first, origin);
  const [P, H] = [known.length, point.length];
  const values = [...known, ...point, ...quantiles.flatMap((one) => [...one.values])].filter(Number.isFinite);
  const [low, high] = extremes(values);
  const [floor, roof] = withAir(low, high);
  const apart = (RIGHT - LEFT) / Math.max(1, P + H - 1);
  const x = (k: number): string => (LEFT + k * apart).toFixed(1);
  const y = (value: number): string => (BOTTOM - ((value - floor) / (roof - floor)) * (BOTTOM - TOP)).toFixed(1);
  const ahead = (all: ArrayLike<number>): string[] => Array.from(all, (value, h) => `${x(P + h)} ${y(value)}`);

  const grid = ticks(floor, roof, 5).map(
    (value) => `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${y(value)}" y2="${y(value)}"/>`,
  );
  const scale = ticks(floor, roof, 5).map(
    (value) => `<text x="${LEFT - 8}" y="${y(value)}" dy="4" text-anchor="end">${shownNumber(value)}</text>`,
  );
  const marks = placesOf(P, H, options.season).map((k) => {
    const side = k === 0 ? "start" : k === P + H - 1 ? "end" : "middle";
    return `<text x="${x(k)}" y="${BOTTOM + 17}" text-anchor="${side}">${escaped(timeOf(first + k, options))}</text>`;
  });
  const bands = bandsOf(quantiles).map(
    ([least, most]) =>
      `<path class="band" d="M${[...ahead(least.values), ...ahead(most.values).reverse()].join("L")}Z"/>`,
  );
  const begin = (LEFT + (P - 0.5) * apart).toFixed(1);
  const steps: FigureSteps = {
    ...{ first: LEFT, apart, origin: P },
    words: Array.from({ length: P + H }, (_, k) => `${timeOf(first + k, options)}: ${inWords(k)}`),
  };
  return `<figure data-steps="${escaped(JSON.stringify(steps))}">
<p class="hint" aria-hidden="true">The picture goes on to the left: scroll it sideways.</p>
<div class="plot" tabindex="0" role="group" aria-label="${escaped(titleOf(forecast.id, target))}, picture"><div class="frame" style="grid-template-columns:${LEFT}fr ${WIDTH - LEFT}fr">
<svg class="scale" viewBox="0 0 ${LEFT} ${HEIGHT}" aria-hidden="true">${scale.join("")}</svg>
<svg class="steps" viewBox="${LEFT} 0 ${WIDTH - LEFT} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-words">
<title id="${id}-title">${escaped(titleOf(forecast.id, target))}</title>
<desc id="${id}-words">${escaped(description(options, P))}</desc>
${grid.join("")}
<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${BOTTOM}" y2="${BOTTOM}"/>${marks.join("")}
${P === 0 ? "" : `<line class="axis" x1="${begin}" x2="${begin}" y1="${TOP}" y2="${BOTTOM}"/>`}
${bands.join("")}
<path class="curve known" d="${pathOf(known, (k) => `${x(k)} ${y(known[k]!)}`)}"/>
<path class="curve ahead" d="${pathOf(point, (h) => `${x(P + h)} ${y(point[h]!)}`)}"/>
<line class="cross" y1="${TOP}" y2="${BOTTOM}" visibility="hidden"/>
</svg></div></div>
</figure>`;

  function inWords(k: number): string {
    const value = k < P ? known[k]! : point[k - P]!;
    if (k < P) return Number.isNaN(value) ? "missing" : `${exact(value)} (known)`;
    const [widest] = bandsOf(quantiles);
    const range = widest
      ? `, ${coverageOf(widest)} between ${exact(widest[0].values[k - P]!)} and ${exact(widest[1].values[k - P]!)}`
      : "";
    return `${exact(value)} (forecast${range})`;
  }
}

/** What a picture of a column is called. */
export const titleOf = (id: string, target: string): string => (id === "" ? target : `${target} of ${id}`);

/** As many figures as anyone reads. */
export const exact = (value: number): string => String(Number(value.toPrecision(6)));

type Quantile = TargetForecast["quantiles"][number];

/** The lowest with the highest quantile, the next two, and so on. */
export const bandsOf = (quantiles: readonly Quantile[]): [Quantile, Quantile][] =>
  Array.from({ length: quantiles.length >> 1 }, (_, k) => [quantiles[k]!, quantiles.at(-1 - k)!]);

/** How much of what happens an interval says to hold: the nominal coverage. */
export const coverageOf = ([least, most]: readonly [Quantile, Quantile]): string =>
  `${Number((100 * (most.level - least.level)).toPrecision(3))} %`;

/** When step k of a series is, on the clocks of the zone; or its number. */
export function timeOf(k: number, { series, forecast, step, timeZone }: FigureOptions): string {
  const time = series.times?.[k] ?? forecast.times?.[k - forecast.origin];
  if (time === undefined || step === undefined) return String(k + 1);
  const [day, clock] = new Date(wallClock(time, timeZone)).toISOString().split("T") as [string, string];
  if (step.unit === "month") return day.slice(0, 7);
  return step.unit === "day" ? day : `${day} ${clock.slice(0, step.count % 60_000 === 0 ? 5 : 8)}`;
}

/** Steps with a label: whole rounds before and after the first step that is forecast. */
function placesOf(P: number, H: number, season: number): number[] {
  const round = Math.min(season, P + H);
  const stride = round * Math.ceil((P + H) / (LABELS * round));
  const before = Math.floor(P / stride);
  return Array.from({ length: P + H }, (_, k) => P + (k - before) * stride).filter((k) => k >= 0 && k < P + H);
}

/** A curve with gaps where values are missing; a value between two gaps is a dot. */
function pathOf(values: ArrayLike<number>, at: (k: number) => string): string {
  let path = "";
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k]!)) continue;
    path += k > 0 && !Number.isNaN(values[k - 1]!) ? `L${at(k)}` : `M${at(k)}h0`;
  }
  return path;
}

function description(options: FigureOptions, P: number): string {
  const { forecast, target, series } = options;
  const { origin, targets } = forecast;
  const { point, quantiles } = targets[target]!;
  const last = point.length - 1;
  const [widest] = bandsOf(quantiles);
  const when = (k: number): string => timeOf(k, options);
  return [
    P === 0
      ? "Nothing is known."
      : `${P} steps are known, up to ${when(origin - 1)} (${inNumber(series.values[target]![origin - 1]!)}).`,
    `${point.length} are forecast, from ${exact(point[0]!)} (${when(origin)}) to ${exact(point[last]!)} (${when(origin + last)}).`,
    widest
      ? `The last one lies with ${coverageOf(widest)} between ${exact(widest[0].values[last]!)} and ${exact(widest[1].values[last]!)}.`
      : "",
  ].join(" ");
}

const inNumber = (value: number): string => (Number.isNaN(value) ? "missing" : exact(value));

import type { TimeSeriesSet } from "../data/time-series.ts";
import { stepInWords } from "../data/time-step.ts";
import type { SeriesForecast } from "../run/forecaster.ts";
import { followSteps } from "./follow-steps.ts";
import { bandsOf, coverageOf, exact, type FigureOptions, forecastFigure, timeOf, titleOf } from "./forecast-figure.ts";
import { counted } from "./format.ts";
import { escaped, htmlPage } from "./page.ts";

export interface ForecastPageOptions {
  /** Steps of the past that are shown of each series. */
  readonly past: number;
  readonly season: number;
}

const STYLE = `
h2 { margin: 40px 0 12px; font-size: 18px; font-weight: 600; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 20px 0 0; padding: 0; list-style: none; }
a { color: var(--run-0); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 24px; margin: 0; padding: 0; list-style: none; color: var(--quiet); font-size: 13px; }
.legend svg { display: inline-block; width: 26px; height: 12px; margin-right: 8px; vertical-align: -1px; }
.plot { overflow-x: auto; }
.hint { display: none; margin: 0 0 6px; color: var(--quiet); font-size: 13px; }
.frame { display: grid; min-width: 720px; }
@media (max-width: 780px) { .frame text { font-size: 14px; } .hint { display: block; } }
.scale { position: sticky; left: 0; z-index: 1; background: var(--card); }
.known { stroke: var(--run-0); } .ahead { stroke: var(--run-1); stroke-width: 2.25; }
.band { fill: var(--run-1); stroke: var(--run-1); stroke-width: .5; opacity: .2; }
.reading { margin-top: 8px; display: flex; flex-wrap: wrap; align-items: center; gap: 4px 16px; font-size: 13px; }
.reading input { flex: 0 1 280px; accent-color: var(--run-0); } .reading output { min-height: 1.5em; }
details { margin-top: 12px; } summary { cursor: pointer; color: var(--quiet); font-size: 13px; }
details .table { max-height: 420px; overflow: auto; margin-top: 12px; } caption { text-align: left; color: var(--quiet); padding-bottom: 8px; }
:focus-visible { outline: 2px solid var(--run-0); outline-offset: 2px; }
`;

/** All series with what is forecast of them as one HTML file that loads nothing else: pictures that also say what they show, and the numbers. */
export function forecastPage(
  { series, targets, step, timeZone }: TimeSeriesSet,
  forecasts: readonly SeriesForecast[],
  options: ForecastPageOptions,
): string {
  const figures = forecasts.flatMap((forecast, k) =>
    targets.map(
      (target, d): FigureOptions => ({
        ...{ id: `f${k}-${d}`, series: series[k]!, forecast, target, ...options, step, timeZone },
      }),
    ),
  );
  const horizon = forecasts[0]!.targets[targets[0]!]!.point.length;
  const steps = `${counted(horizon, "step")}${step ? ` of ${stepInWords(step)}` : ""}`;
  const clocks = step?.unit === "millisecond" ? `, times of ${timeZone.name}` : "";
  const heading = `Forecast of ${targets.join(", ")}`;
  const links = figures.map(({ id, forecast, target }) => {
    return `<li><a href="#${id}">${escaped(titleOf(forecast.id, target))}</a></li>`;
  });
  return htmlPage({
    ...{ title: heading, heading, style: STYLE, script: `(${followSteps})();` },
    body: `<p>${escaped(`${steps}${clocks}`)}${figures.length > 1 ? `, ${counted(figures.length, "curve")}` : ""}</p>
${legendOf(forecasts[0]!)}
${figures.length > 1 ? `<nav aria-label="curves"><ul>${links.join("")}</ul></nav>` : ""}
${figures.map(sectionOf).join("\n")}`,
  });
}

function legendOf({ targets }: SeriesForecast): string {
  const [first] = Object.values(targets);
  const entry = (shape: string, words: string): string =>
    `<li><svg viewBox="0 0 26 12" aria-hidden="true">${shape}</svg>${words}</li>`;
  const bands = bandsOf(first!.quantiles);
  // A narrow interval lies on the wider ones.
  const shades = bands.map((band, k) =>
    entry('<rect class="band" width="26" height="12"/>'.repeat(k + 1), `${coverageOf(band)} interval`),
  );
  return `<ul class="legend">${entry('<path class="curve known" d="M0 6h26"/>', "known")}${entry('<path class="curve ahead" d="M0 6h26"/>', "forecast")}${shades.join("")}</ul>`;
}

function sectionOf(options: FigureOptions): string {
  const { id, forecast, target } = options;
  const { point, quantiles } = forecast.targets[target]!;
  const title = escaped(titleOf(forecast.id, target));
  const heads = ["step", "forecast", ...quantiles.map(({ level }) => `quantile ${level}`)];
  const rows = Array.from(point, (value, h) => {
    const cells = [value, ...quantiles.map(({ values }) => values[h]!)].map((one) => `<td>${exact(one)}</td>`);
    return `<tr><th scope="row">${timeOf(forecast.origin + h, options)}</th>${cells.join("")}</tr>`;
  });
  return `<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${title}</h2>
${forecastFigure(options)}
<details><summary>The numbers</summary><div class="table" tabindex="0" role="region" aria-label="Forecast of ${title}, numbers">
<table><caption>Forecast of ${title}</caption><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div></details>
</section>`;
}

import { shownNumber, ticks, withAir } from "../shared/axis.ts";
import { extremes } from "../shared/extremes.ts";
import { bestColumns, winnersOf } from "./best-columns.ts";
import { drawCharts } from "./compare-script.ts";
import { type Difference, printed } from "./differences.ts";
import { duration, integer } from "./format.ts";
import { asScript, escaped, htmlPage } from "./page.ts";
import { CURVES, type Point, type RunStory } from "./run-story.ts";

/** More points than a screen has columns say nothing more. */
const MOST_POINTS = 2000;

/** Of this page alone. */
const COMPARE_STYLE = `
.best td:nth-child(2) { font-weight: 650; }
button { display: inline-flex; align-items: center; gap: 10px; padding: 2px 8px 2px 0; border: 0; border-radius: 4px; background: none; color: inherit; font: inherit; cursor: pointer; }
button i { width: 12px; height: 12px; border-radius: 50%; }
button[aria-pressed="false"] { color: var(--quiet); text-decoration: line-through; }
button[aria-pressed="false"] i { opacity: .25; }
:focus-visible { outline: 2px solid var(--run-0); outline-offset: 2px; }
#charts { display: grid; grid-template-columns: repeat(6, 1fr); gap: 20px; margin-top: 36px; }
figure { grid-column: span 2; }
figcaption small { margin-left: 8px; color: var(--quiet); font-size: 12px; font-weight: 400; }
figure.wide { grid-column: span 3; }
@media (max-width: 860px) { figure, figure.wide { grid-column: 1 / -1; } }
.tip { position: absolute; pointer-events: none; padding: 8px 10px; background: var(--card); border: 1px solid var(--line); border-radius: 7px; box-shadow: 0 4px 18px rgb(0 0 0 / .12); font-size: 12.5px; line-height: 1.45; white-space: nowrap; z-index: 1; }
.tip b { display: block; font-weight: 400; color: var(--quiet); }
.tip span { display: grid; grid-template-columns: 10px 1fr auto; gap: 8px; align-items: center; }
.tip i { width: 8px; height: 8px; border-radius: 50%; }
`;

/** The comparison as one HTML file that loads nothing else: a table, and curves whose values are shown under the pointer. */
export function comparePage(stories: readonly RunStory[], differences: readonly Difference[]): string {
  const charts = CURVES.map((name) => ({ name, curves: stories.map(({ curves }) => thinned(curves[name])) })).filter(
    ({ curves }) => curves.some((points) => points.length > 0),
  );
  const data = { names: stories.map(({ folder }) => folder), charts };
  return htmlPage({
    title: stories.map(({ folder }) => folder).join(" · "),
    heading: `${stories.length} runs compared`,
    body: `${tableOf(stories, differences)}
<div id="charts"></div>
<noscript><p>The curves are drawn by a script in this file.</p></noscript>`,
    script: `(${drawCharts})(${asScript(data)}, { ticks: ${ticks}, withAir: ${withAir}, number: ${shownNumber}, extremes: ${extremes} });`,
    style: COMPARE_STYLE,
  });
}

/** A row a run: what came of it, then the settings in which it differs. */
function tableOf(stories: readonly RunStory[], differences: readonly Difference[]): string {
  const winners = winnersOf(stories);
  const results = bestColumns(stories);
  const heads = ["run", ...results.heads, "parameters", "time"].map((head) => `<th scope="col">${head}</th>`);
  const settings = differences.map(({ setting }) => `<th scope="col" class="setting">${escaped(setting)}</th>`);
  const rows = stories.map((story, k) => {
    const { folder, start, seconds } = story;
    const cells = [
      ...results.cells(story).map(escaped),
      start.parameters === undefined ? "–" : integer(start.parameters),
      seconds === undefined ? "–" : duration(seconds),
      ...differences.map(({ values }) => escaped(printed(values[k]))),
    ];
    const name = `<th scope="row"><button type="button" aria-pressed="true" data-run="${k}"><i style="background:var(--run-${k % 7})"></i>${escaped(folder)}</button></th>`;
    const winner = winners.includes(story) ? ' class="best"' : "";
    return `<tr${winner}>${name}${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const note = differences.length === 0 ? "<p>The settings are the same.</p>" : "";
  return `<div class="table" tabindex="0" role="region" aria-label="Results and settings"><table><thead><tr>${heads.join("")}${settings.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>${note}`;
}

/** Means of neighbours, so that no curve has more than MOST_POINTS points. */
function thinned(points: readonly Point[]): readonly Point[] {
  const size = Math.ceil(points.length / MOST_POINTS);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, k) => {
    const part = points.slice(k * size, (k + 1) * size);
    return [part.at(-1)![0], part.reduce((sum, [, value]) => sum + value, 0) / part.length] as const;
  });
}

import { drawCharts } from "./compare-script.ts";
import { PAGE_STYLE } from "./compare-style.ts";
import { type Difference, printed } from "./differences.ts";
import { duration, integer } from "./format.ts";
import { CURVES, type Point, type RunStory } from "./run-story.ts";

/** More points than a screen has columns say nothing more. */
const MOST_POINTS = 2000;

/** The comparison as one HTML file that loads nothing else: a table, and curves whose values are shown under the pointer. */
export function comparePage(stories: readonly RunStory[], differences: readonly Difference[]): string {
  const charts = CURVES.map((name) => ({ name, curves: stories.map(({ curves }) => thinned(curves[name])) })).filter(
    ({ curves }) => curves.some((points) => points.length > 0),
  );
  const data = { names: stories.map(({ folder }) => folder), charts };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(stories.map(({ folder }) => folder).join(" · "))}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<header><p>Longshort</p><h1>${stories.length} runs compared</h1></header>
${tableOf(stories, differences)}
<div id="charts"></div>
<noscript><p>The curves are drawn by a script in this file.</p></noscript>
</main>
<script>(${drawCharts.toString()})(${JSON.stringify(data).replaceAll("<", "\\u003c")});</script>
</body>
</html>
`;
}

/** A row a run: what came of it, then the settings in which it differs. */
function tableOf(stories: readonly RunStory[], differences: readonly Difference[]): string {
  const lowest = Math.min(...stories.map(({ best }) => best?.loss ?? Number.POSITIVE_INFINITY));
  const heads = ["run", "best loss", "epoch", "parameters", "time"].map((head) => `<th scope="col">${head}</th>`);
  const settings = differences.map(({ setting }) => `<th scope="col" class="setting">${escaped(setting)}</th>`);
  const rows = stories.map(({ folder, best, start, seconds }, k) => {
    const cells = [
      best === undefined ? "–" : `<span title="${best.of}">${best.loss.toFixed(4)}</span>`,
      best === undefined ? "–" : String(best.epoch),
      start.parameters === undefined ? "–" : integer(start.parameters),
      seconds === undefined ? "–" : duration(seconds),
      ...differences.map(({ values }) => escaped(printed(values[k]))),
    ];
    const name = `<th scope="row"><button type="button" aria-pressed="true" data-run="${k}"><i style="background:var(--run-${k % 7})"></i>${escaped(folder)}</button></th>`;
    const winner = best !== undefined && best.loss === lowest ? ' class="best"' : "";
    return `<tr${winner}>${name}${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const note = differences.length === 0 ? "<p>The settings are the same.</p>" : "";
  return `<div class="table"><table><thead><tr>${heads.join("")}${settings.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>${note}`;
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

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => ENTITIES[one]!);

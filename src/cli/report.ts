import { platform } from "#platform";
import type { ReportData } from "../components/report-page.ts";
import { UsageError } from "../shared/errors.ts";
import { liveliest, meaningOf } from "./heat-maps.ts";
import type { Inspected } from "./inspected.ts";
import type { NearestPlaces } from "./nearest-places.ts";
import { asScript, escaped } from "./page.ts";

export interface NamedRun extends Omit<Inspected, "steps"> {
  readonly name: string;
  /** Places of a corpus to list below its heat maps. */
  readonly nearest?: NearestPlaces | undefined;
}

/** Modules of the page, each after those that it imports. They are put into it as they were compiled. */
const MODULES = ["element", "color", "format", "heat-map", "series-canvas", "gates", "report-page"] as const;

const STYLE = `:root{color-scheme:light dark;--paper:#f7f4ec;--card:#fffdf8;--ink:#1c1a17;--soft:#5f594f;--line-soft:#e0d9ca}
@media(prefers-color-scheme:dark){:root{--paper:#15171b;--card:#1c1e24;--ink:#efeade;--soft:#aaa396;--line-soft:#343740}}
body{margin:0 auto;max-width:1300px;padding:1.5rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1,h2{font-family:Georgia,serif}
.curves{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;margin:0;padding:0;font:14px/1.6 ui-monospace,monospace}
.curves i{display:inline-block;width:1.2rem;height:3px;border-radius:2px;vertical-align:middle;margin-right:.5rem}
.hint{color:var(--soft);max-width:46rem}
.said{font:14px/1.6 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.alike ol{list-style:none;margin:0;padding:0}.alike h2{font-size:1.1rem}
.alike li{display:grid;grid-template-columns:4rem minmax(0,1fr);gap:.8rem;font:14px/1.7 ui-monospace,monospace}
.alike li span{color:var(--soft);text-align:right}.alike code{font:inherit;white-space:pre;overflow:hidden;text-overflow:ellipsis}
.alike mark{background:#b5532a;color:#fff;border-radius:2px}
ls-heat-map{height:min(70vh,620px,var(--ls-whole,620px))}`;

/**
 * A page that needs nothing else: what the models did while they read the text, to be looked through.
 * @throws UsageError "other-tokens" for models that cut the text into other tokens
 */
export async function reportPage(runs: readonly NamedRun[]): Promise<string> {
  const [first] = runs;
  for (const { name, trace } of runs)
    if (JSON.stringify(trace.tokens) !== JSON.stringify(first!.trace.tokens))
      throw new UsageError(
        "other-tokens",
        `--compare ${name}: its steps are others (its tokenizer cuts the text otherwise, or it looks back at another number of steps); compare runs that read the same`,
      );
  const data: ReportData = {
    tokens: first!.trace.tokens,
    ...(first!.curves && { series: first!.curves.map(({ label, data }) => ({ label, data: numbers(data) })) }),
    runs: runs.map(({ name, trace, said, read = [], maps, nearest }) => ({
      ...{ name, said, ...(nearest && { nearest }) },
      // One row of what was read is the curve itself.
      maps: [...read.filter(({ rows }) => rows.length > 1), ...maps].map(({ title, rows }) => ({
        title,
        rows: rows.map(({ label, values }) => ({ label, data: numbers(values) })),
      })),
      layers: trace.layers.flatMap((_, layer) =>
        [false, true].flatMap((reverse) => {
          const own = Object.values(trace.values).filter((one) => one.layer === layer && one.reverse === reverse);
          const title = `layer ${layer}${reverse ? ", read from the end" : ""}`;
          if (own.length === 0) return [];
          const names = own.map(({ name }) => name);
          return [{ title, bands: own.map(bandOf), unit: liveliest(trace, { names, layer, reverse, units: 1 })[0]! }];
        }),
      ),
    })),
  };
  const title = escaped(`What ${runs.map(({ name }) => name).join(" and ")} did`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1></main>
<script type="application/json" id="data">${asScript(data)}</script>
<script type="module">
${await script()}
showReport(JSON.parse(document.getElementById("data").textContent));
</script></body></html>
`;
}

/** As many digits as can be seen. */
const numbers = (values: ArrayLike<number>): number[] => Array.from(values, (v) => Number(v.toPrecision(6)));

const bandOf = ({ name, shape, data }: NamedRun["trace"]["values"][string]) => ({
  ...{ name, title: `${name}  ${meaningOf(name)}`.trim(), units: shape[2], data: numbers(data) },
});

/** The modules one behind the other, without their imports and exports: they import only each other, and no two names are alike. */
async function script(): Promise<string> {
  const parts: string[] = [];
  for (const name of MODULES) {
    const bytes = await platform.readFile(new URL(`../components/${name}.js`, import.meta.url));
    const text = new TextDecoder().decode(bytes);
    parts.push(
      text
        .replace(/^import .*;$/gm, "")
        .replace(/^export (?=(async |const |function |class ))/gm, "")
        .replace(/^\/\/# sourceMappingURL.*$/gm, "")
        .replaceAll("</script", "<\\/script"),
    );
  }
  return parts.join("\n");
}

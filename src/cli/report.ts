import { platform } from "#platform";
import type { ReportData } from "../components/report-page.ts";
import type { TextTrace } from "../explain/trace-text.ts";
import { UsageError } from "../shared/errors.ts";
import { meaningOf } from "./heat-maps.ts";
import type { NearestPlaces } from "./nearest-places.ts";
import { escaped } from "./page.ts";

export interface NamedTrace {
  readonly name: string;
  readonly trace: TextTrace;
  /** Places of a corpus to list below its heat maps. */
  readonly nearest?: NearestPlaces | undefined;
}

/** Modules of the page, each after those that it imports. They are put into it as they were compiled. */
const MODULES = ["element", "colour", "format", "heat-map", "series-canvas", "gates", "report-page"] as const;

const STYLE = `:root{color-scheme:light dark;--paper:#f7f4ec;--card:#fffdf8;--ink:#1c1a17;--soft:#5f594f;--line-soft:#e0d9ca}
@media(prefers-color-scheme:dark){:root{--paper:#15171b;--card:#1c1e24;--ink:#efeade;--soft:#aaa396;--line-soft:#343740}}
body{margin:0 auto;max-width:1300px;padding:1.5rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1,h2{font-family:Georgia,serif}
.hint{color:var(--soft);max-width:46rem}
.alike ol{list-style:none;margin:0;padding:0}.alike h2{font-size:1.1rem}
.alike li{display:grid;grid-template-columns:4rem minmax(0,1fr);gap:.8rem;font:14px/1.7 ui-monospace,monospace}
.alike li span{color:var(--soft);text-align:right}.alike code{font:inherit;white-space:pre;overflow:hidden;text-overflow:ellipsis}
.alike mark{background:#b5532a;color:#fff;border-radius:2px}
ls-heat-map{height:min(70vh,620px,var(--ls-whole,620px))}`;

/**
 * A page that needs nothing else: what the models did while they read the text, to be looked through.
 * @throws UsageError "other-tokens" for models that cut the text into other tokens
 */
export async function reportPage(traces: readonly NamedTrace[]): Promise<string> {
  const [first] = traces;
  for (const { name, trace } of traces)
    if (JSON.stringify(trace.tokens) !== JSON.stringify(first!.trace.tokens))
      throw new UsageError(
        "other-tokens",
        `--compare ${name}: its tokenizer cuts the text into other tokens; compare runs on the same kind of tokens`,
      );
  const data: ReportData = {
    tokens: first!.trace.tokens,
    runs: traces.map(({ name, trace, nearest }) => ({
      name,
      ...(nearest && { nearest }),
      layers: trace.layers.map((_, layer) =>
        Object.values(trace.values)
          .filter((value) => value.layer === layer)
          .map(({ name, shape, data }) => ({
            ...{ name, title: `${name}  ${meaningOf(name)}`.trim(), units: shape[2] },
            data: Array.from(data, (v) => Number(v.toPrecision(6))),
          })),
      ),
    })),
  };
  // A "<" inside a script could end it.
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  const title = escaped(`What ${traces.map(({ name }) => name).join(" and ")} did`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1></main>
<script type="application/json" id="data">${json}</script>
<script type="module">
${await script()}
showReport(JSON.parse(document.getElementById("data").textContent));
</script></body></html>
`;
}

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

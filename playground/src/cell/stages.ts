import { html, nothing, type TemplateResult } from "lit";
import { say } from "../language.ts";
import { update } from "../update.ts";
import type { Bench } from "./bench.ts";

/** Names of the stages and what they light up, found in the graph and not by the cell's name. */
export function stagesOf(bench: Bench): { key: string; title: string; ids: () => Set<number> }[] {
  const f = bench.madeOf("f", "previous.c");
  if (f !== undefined && bench.id("c") !== undefined) {
    const write = bench.madeOf("i", "g");
    return [
      { key: "forget", title: say("1 · forget", "1 · 遗忘"), ids: () => bench.below(f) },
      {
        key: "select",
        title: say("2 · select memory", "2 · 选择记忆"),
        ids: () => new Set([...bench.below(write), bench.id("c")!, f]),
      },
      {
        key: "output",
        title: say("3 · output", "3 · 输出"),
        ids: () =>
          new Set([
            ...bench.below(bench.id("o")),
            bench.id("c")!,
            ...bench.graph!.nodes.filter((n) => n.depth > bench.graph!.nodes[bench.id("c")!]!.depth).map((n) => n.id),
          ]),
      },
    ];
  }
  const keep = bench.madeOf("z", "previous.h");
  if (keep === undefined || bench.id("n") === undefined) return [];
  return [
    { key: "reset", title: say("1 · reset", "1 · 重置"), ids: () => bench.below(bench.madeOf("r", "pre.n.h")) },
    { key: "candidate", title: say("2 · candidate", "2 · 候选"), ids: () => bench.below(bench.id("n")) },
    {
      key: "mix",
      title: say("3 · keep and fill in", "3 · 保留与补入"),
      ids: () =>
        new Set([
          ...bench.below(keep),
          ...bench
            .graph!.nodes.filter(
              (n) => n.depth >= bench.graph!.nodes[bench.id("n")!]!.depth || n.symbol.startsWith("1"),
            )
            .map((n) => n.id),
        ]),
    },
  ];
}

/** Buttons that light up one stage; `gateless` is said of a cell without any. */
export function stages(bench: Bench, gateless: boolean): TemplateResult | typeof nothing {
  const all = stagesOf(bench);
  if (all.length === 0 && !gateless) return nothing;
  if (all.length === 0)
    return html`<p class="hint">${say("No gates: nothing decides what is kept.", "没有门：没有什么来决定保留什么。")}</p>`;
  return html`<div class="segmented stages" role="group" aria-label=${say("Stages", "阶段")}>
    <button aria-pressed=${bench.stage === undefined} @click=${() => {
      bench.stage = undefined;
      update();
    }}>${say("all", "全部")}</button>
    ${all.map(
      ({ key, title }) =>
        html`<button aria-pressed=${bench.stage === key} @click=${() => {
          bench.stage = bench.stage === key ? undefined : key;
          update();
        }}>${title}</button>`,
    )}
  </div>`;
}

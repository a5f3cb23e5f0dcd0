import { html, type TemplateResult } from "lit";
import { lettersSwitch } from "../cell/diagram-view.ts";
import { say } from "../language.ts";
import { long } from "../lessons/benches.ts";
import { stops } from "../lessons/stops.ts";

export function lessonsRoom(rest: readonly string[]): TemplateResult {
  const number = Math.min(stops.length, Math.max(1, Number(rest[0]) || 1));
  const stop = stops[number - 1]!;
  return html`<section class="room lessons">
    ${number === 1 ? html`<header class="hero"><h1>${say("How a network remembers", "网络是怎样记忆的")}</h1><p>${say("Eight stops, from the recurrent network to the LSTM and the GRU. Every picture is a real network, running on this page.", "八站，从循环网络讲到 LSTM，再讲到 GRU。每张图背后都是一个真实的网络，就在这一页上运行。")}</p></header>` : ""}
    <nav class="stops" aria-label=${say("Stops", "各站")}>${stops.map((s, k) => html`<a href="#/lessons/${k + 1}" aria-current=${k + 1 === number ? "step" : "false"} aria-label=${`${k + 1}. ${s.title()}`}><span>${k + 1}</span></a>`)}</nav>
    <article class="stop">
      <div class="prose"><p class="kicker">${number} / ${stops.length}</p>${number === 1 ? html`<h2>${stop.title()}</h2>` : html`<h1>${stop.title()}</h1>`}${stop.text()}
        ${stop.formulas === false ? "" : lettersSwitch(long)}
        <p class="turn">${number > 1 ? html`<a href="#/lessons/${number - 1}">← ${stops[number - 2]!.title()}</a>` : ""}${number < stops.length ? html`<a class="on" href="#/lessons/${number + 1}">${stops[number]!.title()} →</a>` : html`<a class="on" href="#/sequence">${say("Now a network that reads text", "再看一个会读文字的网络")} →</a>`}</p>
      </div>
      <div class="figure-side">${stop.figure()}</div>
    </article>
  </section>`;
}

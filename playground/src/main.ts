import { html, render, type TemplateResult } from "lit";
import { defineCellDiagram, defineGates, defineHeatMap } from "longshort/components";
import { readAddress } from "./address.ts";
import { language, say, setLanguage } from "./language.ts";
import { offline } from "./offline.ts";
import { cellRoom } from "./rooms/cell.ts";
import { lessonsRoom } from "./rooms/lessons.ts";
import { sequenceRoom } from "./rooms/sequence.ts";
import { trainingRoom } from "./rooms/training.ts";
import { onUpdate, update } from "./update.ts";

/** Rooms by the first part of the URL's hash; the rest of it is the room's own. */
const rooms: Readonly<Record<string, { title: () => string; view: (rest: readonly string[]) => TemplateResult }>> = {
  lessons: { title: () => say("Lessons", "课程"), view: lessonsRoom },
  cell: { title: () => say("The cell", "单元"), view: cellRoom },
  sequence: { title: () => say("The sequence", "序列"), view: sequenceRoom },
  training: { title: () => say("Training", "训练"), view: trainingRoom },
};

const root = document.getElementById("app")!;

function shell(): TemplateResult {
  const { room, rest } = readAddress();
  const current = Object.hasOwn(rooms, room) ? room : "lessons";
  document.title = `${rooms[current]!.title()} · Longshort`;
  return html`
    <a class="skip" href="#content" @click=${skip}>${say("Skip to the content", "跳到正文")}</a>
    <nav class="top" aria-label=${say("Rooms", "房间")}>
      <a class="brand" href="#/lessons" aria-label="Longshort"><svg viewBox="0 0 60 24" aria-hidden="true"><path d="M2 7H58" class="long" /><path d="M2 18q4.7-9 9.300 0t9.300 0 9.300 0 9.300 0 9.300 0 9.300 0" class="short" /></svg><span>longshort</span></a>
      <div class="rooms">${Object.entries(rooms).map(
        ([key, { title }]) =>
          html`<a href="#/${key}" aria-current=${key === current ? "page" : "false"}>${title()}</a>`,
      )}</div>
      <div class="switches">
        <button class="quiet" @click=${() => {
          setLanguage(language() === "zh" ? "en" : "zh");
          update();
        }} lang=${language() === "zh" ? "en" : "zh-Hans"}>${language() === "zh" ? "English" : "中文"}</button>
        <button class="quiet" @click=${turnTheme} aria-label=${say("Light or dark", "切换明暗")}>◐</button>
      </div>
    </nav>
    <main id="content" tabindex="-1">${rooms[current]!.view(rest)}</main>
    <footer>${say("Everything is computed on this page by Longshort’s WebAssembly engine; nothing is uploaded.", "一切都由 Longshort 的 WebAssembly 引擎在本页计算，不上传任何内容。")} ${offline()}</footer>`;
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function turnTheme(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  document.dispatchEvent(new Event("themechange"));
  update();
}

setLanguage(language());
defineHeatMap();
defineGates();
defineCellDiagram();
onUpdate(() => render(shell(), root));
addEventListener("hashchange", () => {
  scrollTo(0, 0);
  update();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
if (typeof WebAssembly === "undefined")
  root.textContent = say(
    "This browser refuses WebAssembly, in which the networks are computed. Allow it for this page and load it again.",
    "此浏览器禁用了 WebAssembly，网络无法计算。请允许本页使用后重新加载。",
  );
else update();

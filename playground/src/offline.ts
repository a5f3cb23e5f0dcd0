/// <reference types="vite/client" />
import { html, nothing, type TemplateResult } from "lit";
import { say } from "./language.ts";
import { update } from "./update.ts";

/*
 * A room full of visitors whose network goes away: all files of the page are kept in the browser where somebody asks for it, and a service
 * worker answers with them. Browsers allow it over https and on the visitor's own machine.
 */

const CACHE = "longshort";
// The server of those who work on the page replaces modules while they run and has no list of its files.
const { serviceWorker } = import.meta.hot ? {} : (navigator as { readonly serviceWorker?: ServiceWorkerContainer });
let stage: "offered" | "keeping" | "kept" | "failed" = "offered";

/** The offer, or what became of it. */
export function offline(): TemplateResult | typeof nothing {
  if (!serviceWorker) return nothing;
  const said = {
    offered: () => nothing,
    keeping: () => say("Keeping …", "正在保存……"),
    kept: () => say("This page works without a network from now on.", "从现在起，没有网络也能使用本页。"),
    failed: () => say("Not all files could be fetched. Try again.", "有些文件没有取到，请再试一次。"),
  }[stage];
  return html`<span class="offline"><span role="status">${said()}</span>${
    stage === "offered" || stage === "failed"
      ? html`<button class="quiet" @click=${keep}>${say("Keep for use without a network", "保存以便离线使用")}</button>`
      : nothing
  }</span>`;
}

async function keep(): Promise<void> {
  tell("keeping");
  try {
    await keepFiles();
    await serviceWorker!.register("offline.js");
    await serviceWorker!.ready;
    tell("kept");
  } catch {
    tell("failed");
  }
}

/** Each file of the build, and none of builds before it. */
async function keepFiles(): Promise<void> {
  const response = await fetch("files.json", { cache: "no-cache" });
  const files = ((await response.json()) as string[]).map((file) => new URL(file, document.baseURI).href);
  const cache = await caches.open(CACHE);
  await cache.addAll(files);
  for (const { url } of await cache.keys()) if (!files.includes(url)) await cache.delete(url);
}

function tell(now: typeof stage): void {
  stage = now;
  update();
}

/** A page that was kept before keeps what is new. */
void serviceWorker?.getRegistration().then(async (kept) => {
  if (!kept) return;
  tell("kept");
  await keepFiles().catch(() => undefined); // without a network it has what it had
});

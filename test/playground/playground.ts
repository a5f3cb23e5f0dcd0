import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { build, preview } from "vite";
import { expect } from "vitest";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { openMachine } from "../../src/compute/open.ts";
import { loadRun } from "../../src/run/load-run.ts";
import type { OpenedText } from "../../src/worker/reading.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const models = path.join(root, "playground/public/models");

/** A build of the page on a host, and a browser to visit it with. */
export interface Playground {
  /** Where the build lies, and anything else that a test writes. */
  readonly folder: string;
  readonly url: string;
  /** A host of the same build that sends no headers: a page on it is not isolated and has no threads. */
  readonly plainUrl: string;
  readonly browser: Browser;
  /** Opens a room, does something there, and expects that nothing was complained of. */
  visit(hash: string, act: (page: Page) => Promise<void>, options?: VisitOptions): Promise<void>;
  close(): Promise<void>;
}
export interface VisitOptions extends BrowserContextOptions {
  /** Another host than the page's own. */
  readonly host?: string;
}

export async function openPlayground(): Promise<Playground> {
  const folder = mkdtempSync(path.join(tmpdir(), "longshort-playground-"));
  const configFile = path.join(root, "playground/vite.config.ts");
  await build({ configFile, logLevel: "error", build: { outDir: folder } });
  const options = { configFile, logLevel: "error" as const, build: { outDir: folder } };
  const server = await preview({ ...options, preview: { port: 0, host: "127.0.0.1" } });
  const url = server.resolvedUrls!.local[0]!;
  const plain = plainHost(folder);
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  const plainUrl = `http://127.0.0.1:${(plain.address() as AddressInfo).port}/`;
  const browser = await chromium.launch({ executablePath: chromiumPath!, args: ["--no-sandbox", "--disable-gpu"] });
  return {
    ...{ folder, url, plainUrl, browser },
    async visit(hash, act, { host = url, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
      const page = await context.newPage();
      const said: string[] = [];
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      page.on("pageerror", (error) => said.push(error.message));
      try {
        await page.goto(`${host}#${hash}`);
        await act(page);
        expect(said).toEqual([]);
      } finally {
        await context.close();
      }
    },
    async close() {
      await browser.close();
      await server.close();
      plain.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const TYPES: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" };

const plainHost = (folder: string) =>
  createServer((request, response) => {
    const name = new URL(request.url ?? "/", "http://localhost").pathname;
    const file = path.join(folder, name === "/" ? "index.html" : name);
    if (!existsSync(file)) return response.writeHead(404).end();
    const type = TYPES[path.extname(file).slice(1)] ?? "application/octet-stream";
    return response.writeHead(200, { "content-type": type }).end(readFileSync(file));
  });

/** What axe-core finds wrong on the page, as rule and place. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: the script above puts it there
    const { violations } = await (globalThis as any).axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap((v: { id: string; nodes: { target: string[] }[] }) =>
      v.nodes.map((n) => `${v.id}: ${n.target.join(" ")}`),
    );
  });
}

/** A model that the page ships, opened here. */
export async function shipped(name: string, use: (opened: OpenedText) => Promise<void>): Promise<void> {
  const machine = await openMachine("wasm");
  const opened = await loadRun(new Uint8Array(readFileSync(path.join(models, `${name}.safetensors`))), { machine });
  try {
    await use(opened);
  } finally {
    opened.parameters.close();
    machine.close();
  }
}

/** Goes on by Tab until what has the focus is of the selector; fails where it cannot be reached. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let k = 0; k < 120; k++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${selector} is not reached by Tab`);
}

/** What elements of the page say as numbers. */
export const numbers = (page: Page, selector: string, attribute: string): Promise<number[]> =>
  page.locator(selector).evaluateAll((all, name) => all.map((e) => Number(e.getAttribute(name))), attribute);

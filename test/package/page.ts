import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium, type Page } from "playwright-core";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { removeProfile } from "./browsers.ts";

const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
};

/** The strictest policy under which WebAssembly may be compiled: no inline script, no eval, no import map. */
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

/** Serves `files`: the path of a URL to the file that answers it, or to the text of the answer. */
async function serve(answer: (url: string) => { body: string | Buffer; type: string } | undefined) {
  const server = createServer((request, response) => {
    const found = answer(new URL(request.url ?? "/", "http://localhost").pathname);
    const type = found?.type ?? "text/plain";
    const headers = {
      ...(found && { "content-length": Buffer.byteLength(found.body) }),
      "content-security-policy": policy,
      "content-type": type === "application/octet-stream" ? type : `${type}; charset=utf-8`,
    };
    response.writeHead(found ? 200 : 404, headers).end(found?.body ?? "not found");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

/** Answers with the files of a folder; `rewrite` may change the text of one. */
export function fromFolder(folder: string, rewrite: (url: string, text: string) => string = (_, text) => text) {
  return (url: string) => {
    const file = path.join(folder, url === "/" ? "index.html" : url);
    if (!file.startsWith(folder) || !existsSync(file)) return undefined;
    const type = types[path.extname(file)];
    if (type === undefined) return { body: readFileSync(file), type: "application/octet-stream" };
    return { body: rewrite(url, readFileSync(file, "utf8")), type };
  };
}

/** Opens a page in a fresh browser for as long as `use` works with it; throws with all that the page said when it fails. */
export async function withPage<T>(answer: Parameters<typeof serve>[0], use: (page: Page) => Promise<T>): Promise<T> {
  const profile = mkdtempSync(path.join(tmpdir(), "longshort-browser-"));
  const server = await serve(answer);
  const quiet = ["quic", "background-networking", "component-update", "sync", "gpu"].map((part) => `--disable-${part}`);
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath!,
    args: ["--headless", "--no-sandbox", "--no-first-run", ...quiet],
  });
  try {
    const page = await browser.newPage();
    const said: string[] = [];
    page.on("console", (message) => said.push(`console: ${message.text()}`));
    const failed = new Promise<never>((_, reject) => {
      const fail = (why: string) => reject(new Error(`${why}\n${said.join("\n")}`));
      page.on("pageerror", (error) => fail(`The page failed: ${error.message}`));
      setTimeout(() => fail("The page was not done after 60 s."), 60_000).unref();
      page.goto(server.url).catch((error: Error) => fail(error.message));
    });
    return await Promise.race([failed, use(page)]);
  } finally {
    await browser.close();
    server.close();
    removeProfile(profile);
  }
}

/** The first line on the console of a page that begins with `prefix`; throws with all else it said. */
export const firstLine = (prefix: string, answer: Parameters<typeof serve>[0]): Promise<string> =>
  withPage(
    answer,
    (page) =>
      new Promise((resolve) => {
        page.on("console", (message) => {
          if (message.text().startsWith(prefix)) resolve(message.text());
        });
      }),
  );

/**
 * usage: node chromium.mjs FOLDER THREADS. Runs a case of ours in a worker of a page that is cross-origin isolated, in Debian's Chromium or
 * the one that CHROMIUM names, on the bundle that a page loads.
 */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { report } from "./report.mjs";

const [data, threads] = process.argv.slice(2);
const root = fileURLToPath(new URL("../..", import.meta.url));
if (!chromiumPath) {
  console.error("error: no Chromium here: apt-get install chromium, or name one in CHROMIUM");
  process.exit(1);
}

const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
};
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const PAGE = "<!doctype html><title>benchmark</title>";

function answer(path) {
  if (path === "/") return { type: "text/html", body: PAGE };
  const [, folder, rest] = path.match(/^\/(data|dist|bench)\/(.+)$/) ?? [];
  if (!folder || normalize(rest).startsWith("..")) return undefined;
  const file = join(folder === "data" ? data : join(root, folder), normalize(rest));
  return existsSync(file)
    ? { type: types[extname(file)] ?? "application/octet-stream", body: readFileSync(file) }
    : undefined;
}

const server = createServer((request, response) => {
  const found = answer(new URL(request.url, "http://localhost").pathname);
  response.writeHead(found ? 200 : 404, { "content-type": found?.type ?? "text/plain", ...isolated });
  response.end(found?.body ?? "not found");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const result = await page.evaluate(
    (count) =>
      new Promise((resolve) => {
        const worker = new Worker("/bench/systems/page-worker.mjs", { type: "module" });
        worker.onmessage = ({ data: message }) => resolve(message);
        worker.onerror = (event) => resolve({ error: event.message || "the worker did not start" });
        worker.postMessage(count);
      }),
    Number(threads),
  );
  if (result.error) throw new Error(result.error);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  report({ ...result, version, node: `Chromium ${browser.version()}` });
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  server.close();
}

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromiumPath } from "../../scripts/chromium.mjs";

/** A browser of this machine and how it is started: with a fresh profile, without a window. */
export interface Browser {
  readonly name: string;
  /** Undefined where it is not installed. */
  readonly program: string | undefined;
  readonly args: (profile: string) => readonly string[];
}

/** Two engines. The variables CHROMIUM and FIREFOX name other places than Debian's. */
export const browsers: readonly Browser[] = [
  {
    name: "Chromium",
    program: chromiumPath,
    args: (profile) => [
      ...["--headless", "--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-background-networking"],
      `--user-data-dir=${profile}`,
    ],
  },
  {
    name: "Firefox",
    program: [process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"].find((file) => file && existsSync(file)),
    args: (profile) => ["--headless", "--no-remote", "--profile", profile],
  },
];

export interface Page {
  /** Module script of the page. What it gives to `fetch("/said", { method: "POST", body })` is the result. */
  readonly script: string;
  /** Files by the path of their address; all are JavaScript. */
  readonly files: Readonly<Record<string, string>>;
  /** Whether the page may share memory between threads (COOP and COEP). */
  readonly isolated: boolean;
}

/** Opens a page in a fresh browser and resolves to what it says. */
export async function whatAPageSays(browser: Browser, page: Page): Promise<string> {
  const profile = mkdtempSync(path.join(tmpdir(), "longshort-browser-"));
  let answered = (_: string): void => undefined;
  const said = new Promise<string>((resolve) => {
    answered = resolve;
  });
  const html = '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>';
  const files: Record<string, string> = { ...page.files, "/page.js": page.script };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (request.method === "POST") {
      let body = "";
      request.on("data", (part) => {
        body += part;
      });
      request.on("end", () => {
        response.end();
        answered(body);
      });
      return;
    }
    const text = pathname === "/" ? html : files[pathname];
    response.writeHead(text === undefined ? 404 : 200, {
      "content-type": `${pathname === "/" ? "text/html" : "text/javascript"}; charset=utf-8`,
      // No inline script and no eval; helpers of the library are started from Blobs.
      "content-security-policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:",
      ...(page.isolated && {
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      }),
    });
    response.end(text ?? "not found");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const child = spawn(browser.program!, [...browser.args(profile), url], { stdio: "ignore" });
  const ended = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`${browser.name} ended with code ${code} before the page said anything`)),
    );
    setTimeout(() => reject(new Error(`a page in ${browser.name} said nothing for 100 s`)), 100_000).unref();
  });
  try {
    return await Promise.race([said, ended]);
  } finally {
    child.removeAllListeners("exit");
    const gone = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    server.closeAllConnections();
    server.close();
    removeProfile(profile);
  }
}

export const textOf = (file: URL): string => readFileSync(file, "utf8");

/** Processes that a browser leaves behind may still write; what they keep from being removed is no matter of the test. */
export function removeProfile(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  } catch {
    // The system's folder for temporary files is emptied by others.
  }
}

import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { beforeAll, expect, it, type TestContext } from "vitest";
import { ensureBuilt } from "../../scripts/bootstrap.mjs";
import { type Browser, browsers, textOf, whatAPageSays } from "./browsers.ts";

/*
 * Portable arithmetic: fifty updates give the same bits in every engine and on any number of threads. And threads: which hosts
 * have them.
 */

const minute = 60_000;
const program = new URL("./fifty-updates.mjs", import.meta.url);
interface Said {
  readonly hash: string;
  readonly threads: number;
  readonly loss: number;
}
let expected: Said;

function inNode(threads: number, ...command: string[]): Said {
  const [node, ...args] = command.length > 0 ? command : [process.execPath];
  return JSON.parse(
    execFileSync(node!, [...args, fileURLToPath(program), String(threads)], { encoding: "utf8", timeout: 2 * minute }),
  );
}

function expectSame(said: Said, threads: number): void {
  expect(said).toEqual({ ...expected, threads });
}

beforeAll(() => {
  ensureBuilt();
  expected = inNode(1);
  expect(expected.loss).toBeLessThan(1);
}, 5 * minute);

it("Node, two threads", { timeout: 2 * minute }, () => expectSame(inNode(2), 2));

it("a Node worker, three threads", { timeout: 2 * minute }, async () => {
  const worker = new Worker(program, { workerData: 3 });
  const said = new Promise<Said>((resolve, reject) => {
    worker.on("message", resolve);
    worker.on("error", reject);
  });
  expectSame(await said, 3);
  // It ends by itself: helpers that sleep keep nothing alive.
  expect(await new Promise((resolve) => worker.on("exit", resolve))).toBe(0);
});

it("Node 24, one and two threads", { timeout: 5 * minute }, (context) => {
  const command = ["npx", "-y", "-p", "node@24", "node"];
  try {
    execFileSync(command[0]!, [...command.slice(1), "--version"], { cwd: tmpdir(), stdio: "ignore" });
  } catch {
    context.skip("node@24 could not be fetched from the npm registry");
  }
  for (const threads of [1, 2]) expectSame(inNode(threads, ...command), threads);
});

/** The program in a page (`here`) or in a worker of it; two threads are asked for. */
async function inBrowser(context: TestContext, browser: Browser, where: "page" | "worker", isolated: boolean) {
  if (browser.program === undefined)
    context.skip(`no ${browser.name} here: install it, or name it in ${browser.name.toUpperCase()}`);
  const say = (json: string): string => `fetch("/said", { method: "POST", body: JSON.stringify(${json}) });`;
  const script =
    where === "page"
      ? `import { fiftyUpdates } from "/program.js"; ${say("await fiftyUpdates(2)")}`
      : `const worker = new Worker("/program.js?threads=2", { type: "module" });
         worker.onmessage = ({ data }) => { ${say("data")} };
         worker.onerror = (event) => { ${say("{ error: String(event.message) }")} };`;
  const files = {
    "/program.js": textOf(program).replace('"longshort"', '"/longshort.js"'),
    "/longshort.js": textOf(new URL("../../dist/longshort.browser.js", import.meta.url)),
  };
  return JSON.parse(await whatAPageSays(browser, { script, files, isolated })) as Said;
}

for (const browser of browsers) {
  it(`a page in ${browser.name}: one thread, as it may not wait`, { timeout: 2 * minute }, async (context) => {
    expectSame(await inBrowser(context, browser, "page", true), 1);
  });
  it(`a worker in ${browser.name}, isolated: two threads`, { timeout: 2 * minute }, async (context) => {
    expectSame(await inBrowser(context, browser, "worker", true), 2);
  });
  it(`a worker in ${browser.name}, not isolated: one thread`, { timeout: 2 * minute }, async (context) => {
    expectSame(await inBrowser(context, browser, "worker", false), 1);
  });
}

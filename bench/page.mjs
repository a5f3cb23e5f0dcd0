/**
 * `node bench/page.mjs [ROUNDS]`: what the playground promises, measured in Chromium on a fresh build.
 *
 * - frames a second while the heat map of 512 units × 2,000 steps scrolls, from the times of animation frames;
 * - the longest task of the page's thread while a training runs beside it, by the clock and by its own CPU time (on a machine
 *   that is busy with other work the clock also counts the time that the thread had to wait);
 * - tokens a second of a training in the page's worker, beside Node on one thread with the same 128-bit fused kernels, alternating.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { build, preview } from "vite";
import { ensureBuilt, root } from "../scripts/bootstrap.mjs";
import { chromiumPath } from "../scripts/chromium.mjs";

const rounds = Number(process.argv[2] ?? 3);
const CHOICE = {
  ...{ cell: "lstm", hiddenSize: 128, embeddingSize: 32, numLayers: 1, optimizer: "adam", learningRate: 0.003 },
  ...{ clipNorm: 1, batchSize: 32, sequenceLength: 64, seed: 1, probe: "The cell" },
};
const TEXT =
  "The cell keeps what matters and lets go of what does not. A gate is a number between zero and one.\n".repeat(400);
const MILLISECONDS = 6000;

ensureBuilt();
const { median } = await import("../dist/cli/bench/statistics.js");
const outDir = mkdtempSync(path.join(tmpdir(), "longshort-page-"));
const configFile = path.join(root, "playground/vite.config.ts");
await build({ configFile, logLevel: "error", build: { outDir } });
const server = await preview({
  configFile,
  logLevel: "error",
  build: { outDir },
  preview: { port: 0, host: "127.0.0.1" },
});
const url = server.resolvedUrls.local[0];
const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });

/** Opens a room in a page of its own. */
async function room(hash, use) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  try {
    await page.goto(`${url}#${hash}`);
    return await use(page);
  } finally {
    await page.close();
  }
}

/** Tasks of a page's main thread (or of another one) while something is done, from the browser's trace of itself, and what came of it. */
async function tasksOf(page, work, thread = "CrRendererMain") {
  await browser.startTracing(page, { categories: ["toplevel", "__metadata"] });
  const result = await work();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing()));
  // Pages have a process each, and a browser keeps an empty one: the busiest such thread is that of the page.
  const main = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === thread);
  const tasks = main.map(({ pid, tid }) =>
    traceEvents.filter((e) => e.pid === pid && e.tid === tid && e.ph === "X" && /RunTask$/.test(e.name)),
  );
  return [tasks.toSorted((a, b) => b.length - a.length)[0], result];
}

/** Milliseconds of the longest task: "dur" by the clock, "tdur" of CPU time. */
const longest = (tasks, key) => tasks.reduce((most, e) => Math.max(most, e[key] ?? 0), 0) / 1000;

/** Frames a second while the large heat map scrolls one way in each frame. */
const frames = () =>
  room("/cell/lstm", async (page) => {
    await page.waitForSelector("[data-expects]");
    await page.evaluate(async () => {
      const [units, steps, names] = [512, 2000, ["i", "f", "g", "o", "c", "h"]];
      const map = document.createElement("ls-heat-map");
      document.querySelector("main").prepend(map);
      const bands = names.map((name, k) => {
        const data = Float32Array.from({ length: units * steps }, (_, n) => Math.sin(n * 0.37 + k));
        return { name, title: name, units, data };
      });
      const order = Array.from({ length: units }, (_, k) => k);
      map.content = { tokens: Array.from({ length: steps }, (_, t) => "abc"[t % 3]), bands, order, cut: new Set() };
      map.scrollIntoView();
      await new Promise((resolve) => setTimeout(resolve, 1500));
    });
    const [tasks, measured] = await tasksOf(page, () => page.evaluate(scrolling));
    const cpu = tasks.reduce((sum, e) => sum + (e.tdur ?? 0), 0) / 1000 / measured.frames;
    return { ...measured, cpu, longest: longest(tasks, "tdur") };
  });

/** In the page: scrolls both ways, a step in each frame. */
async function scrolling() {
  const map = document.querySelector("ls-heat-map");
  const scroller = map.querySelector(".heat-scroll");
  const times = [];
  await new Promise((resolve) => {
    let left = 240;
    const frame = (now) => {
      times.push(now);
      scroller.scrollLeft += 37;
      scroller.scrollTop += 53;
      if (scroller.scrollLeft >= scroller.scrollWidth - scroller.clientWidth - 1) scroller.scrollLeft = 0;
      if (--left > 0) requestAnimationFrame(frame);
      else resolve();
    };
    requestAnimationFrame(frame);
  });
  const gaps = times.slice(1).map((t, k) => t - times[k]);
  gaps.sort((a, b) => a - b);
  const middle = gaps[Math.floor(gaps.length / 2)];
  const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
  return {
    frames: times.length,
    framesPerSecond: 1000 / mean,
    typical: 1000 / middle,
    slowest: gaps.at(-1),
    late: gaps.filter((g) => g > 20).length,
  };
}

/** The longest task of the page's thread while it draws and a training runs in its worker. */
const training = () =>
  room("/training", async (page) => {
    await page.waitForSelector("[data-flow=gru]");
    await page.waitForTimeout(500);
    const [tasks] = await tasksOf(page, async () => {
      await page.getByRole("button", { name: "Train" }).click();
      await page.waitForTimeout(MILLISECONDS);
    });
    return { clock: longest(tasks, "dur"), cpu: longest(tasks, "tdur"), tasks: tasks.length };
  });

/** Tokens a second of the worker's own protocol, in a page: by the clock and by the CPU time of the worker's thread. */
const inPage = () =>
  room("/lessons/1", async (page) => {
    const given = { choice: CHOICE, text: TEXT, milliseconds: MILLISECONDS, script: workerScript };
    const [tasks, told] = await tasksOf(page, () => page.evaluate(train, given), "DedicatedWorker thread");
    return { ...told, cpu: tokensOf(told.step) / (tasks.reduce((sum, e) => sum + (e.tdur ?? 0), 0) / 1e6) };
  });

/** In the page: trains for a while in a worker of its own. */
async function train({ choice, text, milliseconds, script }) {
  const worker = new Worker(script, { type: "module" });
  const speeds = [];
  let step = 0;
  worker.addEventListener("message", ({ data }) => {
    if (!data.progress) return;
    speeds.push(data.progress.itemsPerSecond);
    step = data.progress.step;
  });
  worker.postMessage({ call: "train", number: 1, given: { ...choice, text } });
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  worker.terminate();
  return { speeds, step };
}

const tokensOf = (steps) => steps * CHOICE.batchSize * CHOICE.sequenceLength;

/** The same in Node: one thread, 128-bit fused kernels. */
function inNode() {
  const script = `
    const { serveWorker } = await import(${JSON.stringify(new URL("../dist/worker/index.js", import.meta.url).href)});
    const speeds = [];
    let [hear, step] = [undefined, 0];
    serveWorker({
      postMessage: ({ progress }) => progress && (speeds.push(progress.itemsPerSecond), (step = progress.step)),
      addEventListener: (_, f) => (hear = f),
    });
    hear({ data: { call: "train", number: 1, given: ${JSON.stringify({ ...CHOICE, text: TEXT })} } });
    const before = process.cpuUsage();
    setTimeout(() => {
      const { user, system } = process.cpuUsage(before);
      console.log(JSON.stringify({ speeds, step, seconds: (user + system) / 1e6 }));
      process.exit(0);
    }, ${MILLISECONDS});`;
  const flags = ["--experimental-wasm-relaxed-simd", "--input-type=module", "-e", script];
  const { stdout, stderr, status } = spawnSync(process.execPath, flags, { encoding: "utf8", cwd: root });
  if (status !== 0) throw new Error(stderr);
  const { speeds, step, seconds } = JSON.parse(stdout);
  return { speeds, cpu: tokensOf(step) / seconds };
}

/** The worker's file, as the page asks for it. */
const workerScript = await room("/sequence", async (page) => {
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.reload();
  await page.waitForSelector("[data-loss]");
  return asked.find((address) => /worker-[^/]*\.js$/.test(address));
});

// The first messages are of kernels that the optimizing compiler has not reached yet.
const speed = (all) => median(all.slice(Math.floor(all.length / 3)));
const best = { framesPerSecond: 0, page: 0, node: 0 };
for (let round = 1; round <= rounds; round++) {
  const scroll = await frames();
  const task = await training();
  const [there, here] = [await inPage(), inNode()];
  const [page, node] = [speed(there.speeds), speed(here.speeds)];
  best.framesPerSecond = Math.max(best.framesPerSecond, scroll.framesPerSecond);
  best.page = Math.max(best.page, page);
  best.node = Math.max(best.node, node);
  console.log(
    `round ${round}: heat map ${scroll.framesPerSecond.toFixed(1)} frames/s (median ${scroll.typical.toFixed(1)}, slowest frame ${scroll.slowest.toFixed(1)} ms, ${scroll.late} of 239 late; ${scroll.cpu.toFixed(1)} ms of CPU time a frame, longest task ${scroll.longest.toFixed(1)}); ` +
      `page's thread: longest of ${task.tasks} tasks ${task.cpu.toFixed(1)} ms of CPU time, ${task.clock.toFixed(1)} ms by the clock; ` +
      `training ${Math.round(page).toLocaleString("en")} tokens/s in the page, ${Math.round(node).toLocaleString("en")} in Node: ${(page / node).toFixed(2)} (a second of CPU time ${Math.round(there.cpu).toLocaleString("en")} and ${Math.round(here.cpu).toLocaleString("en")}: ${(there.cpu / here.cpu).toFixed(2)})`,
  );
}
console.log(
  `best: ${best.framesPerSecond.toFixed(1)} frames/s; training in the page ${(best.page / best.node).toFixed(2)} × Node (${Math.round(best.page).toLocaleString("en")} and ${Math.round(best.node).toLocaleString("en")} tokens/s)`,
);
await browser.close();
await server.close();
rmSync(outDir, { recursive: true, force: true });

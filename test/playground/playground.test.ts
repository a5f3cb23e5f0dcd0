import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { build, type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cellText } from "../../src/cells/cell-text.ts";
import { gru } from "../../src/cells/gru.ts";
import { minGru } from "../../src/cells/min-gru.ts";
import { parseCell } from "../../src/cells/parse-cell.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { type SafeTensor, safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openMachine } from "../../src/compute/open.ts";
import { openAblation } from "../../src/explain/ablation.ts";
import { effectOn } from "../../src/explain/effect.ts";
import { gradientFlow } from "../../src/explain/gradient-flow.ts";
import { trace } from "../../src/explain/trace.ts";
import { traceText } from "../../src/explain/trace-text.ts";
import { open } from "../../src/formats/open.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { type OpenedText, openPackedModel, packModel } from "../../src/worker/packed-model.ts";
import { browserPath } from "../package/page.ts";
import { partsOf, tinyRun } from "../support/tiny-run.ts";

/*
 * The playground in a real browser: each room is opened and used, and the numbers that it shows are compared with the
 * library's own, computed here.
 */

const root = fileURLToPath(new URL("../../", import.meta.url));
const models = path.join(root, "playground/public/models");

/** An LSTM of one number a step, as PyTorch saves it. */
function oneChannel(): Uint8Array {
  const shapes = { weight_ih_l0: [12, 1], weight_hh_l0: [12, 3], bias_ih_l0: [12], bias_hh_l0: [12] };
  const all = { ...shapes, "top.weight": [1, 3], "top.bias": [1] };
  const named = Object.entries(all).map(([name, shape]): [string, SafeTensor] => {
    const key = name.startsWith("top") ? name : `rnn.${name}`;
    const count = shape.reduce((a, b) => a * b);
    return [key, safeTensor("F32", shape, new RandomStream(2, name).normal(count))];
  });
  return writeSafetensors(new Map(named));
}

describe("the playground", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "longshort-playground-"));
  let server: PreviewServer;
  let browser: Browser;
  let url = "";

  beforeAll(async () => {
    if (!browserPath) return;
    const configFile = path.join(root, "playground/vite.config.ts");
    await build({ configFile, logLevel: "error", build: { outDir: folder } });
    const options = { configFile, logLevel: "error" as const, build: { outDir: folder } };
    server = await preview({ ...options, preview: { port: 0, host: "127.0.0.1" } });
    url = server.resolvedUrls!.local[0]!;
    browser = await chromium.launch({ executablePath: browserPath!, args: ["--no-sandbox", "--disable-gpu"] });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach((context) => {
    if (!browserPath) context.skip("Chromium is not installed (apt-get install chromium, or its path in CHROMIUM)");
  });

  /** Opens a room, does something there, and expects that nothing was complained of. */
  async function visit(hash: string, act: (page: Page) => Promise<void>, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
    const page = await context.newPage();
    const said: string[] = [];
    page.on("console", (message) => message.type() === "error" && said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    try {
      await page.goto(`${url}#${hash}`);
      await act(page);
      expect(said).toEqual([]);
    } finally {
      await context.close();
    }
  }

  /** What axe-core finds wrong on the page, as rule and place. */
  async function violations(page: Page): Promise<string[]> {
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
  async function shipped(name: string, use: (opened: OpenedText) => Promise<void>): Promise<void> {
    const machine = await openMachine("wasm");
    const opened = await openPackedModel(
      new Uint8Array(readFileSync(path.join(models, `${name}.safetensors`))),
      machine,
    );
    try {
      await use(opened);
    } finally {
      opened.parameters.close();
      machine.close();
    }
  }

  const numbers = (page: Page, selector: string, attribute: string): Promise<number[]> =>
    page.locator(selector).evaluateAll((all, name) => all.map((e) => Number(e.getAttribute(name))), attribute);

  test("the cell: its gates are those of a trace, a gate closed by hand changes what follows", async () => {
    await shipped("recall-lstm", async (opened) => {
      const { values } = await trace(opened, { data: opened.tokenizer.encode("A....?A\n") }, { names: ["f"] });
      await visit("/cell/lstm", async (page) => {
        expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
        await page.waitForSelector("[data-expects]");
        await page.locator(".timeline thead button").nth(3).click();
        const shown = await numbers(page, ".sliders output", "data-value");
        for (const [unit, v] of shown.entries()) expect(v).toBeCloseTo(values.f_l0!.data[3 * 4 + unit]!, 5);
        const answer = () => page.locator(".timeline .recall").textContent();
        const before = await answer();
        expect(before).toMatch(/^A/);
        for (let unit = 0; unit < 4; unit++) await page.locator(".sliders input").nth(unit).fill("0");
        await page.waitForSelector(".what-if");
        await expect.poll(answer).not.toBe(before);
        await page.getByRole("button", { name: "Undo changes" }).click();
        await expect.poll(answer).toBe(before);
        expect(await violations(page)).toEqual([]);
      });
    });
  });

  test("a cell of one's own: drawn, computed and shared from its text; errors say where; it can be trained", async () => {
    await visit("/cell/own", async (page) => {
      const field = page.locator("#equations");
      await page.getByRole("button", { name: "minGRU" }).click();
      await expect.poll(() => field.inputValue()).toBe(cellText(minGru()));
      const text = "a = sigmoid(W_a x)\nkept = a * h[t-1] / 2\nh = kept + p * tanh(W_b x)";
      await field.fill(`${text}\nweight p = 1`);
      expect(await page.locator(".editor .error").getAttribute("data-line")).toBe("3");
      await page.getByRole("button", { name: "show the place" }).press("Enter");
      const chosen = () => field.evaluate((e: HTMLTextAreaElement) => [e.selectionStart, e.selectionEnd]);
      expect(await chosen()).toEqual([52, 53]);
      await field.fill(`weight p = 1\n${text}`);
      await expect.poll(() => page.locator(".editor .error").count()).toBe(0);
      await expect.poll(() => page.locator("longshort-cell .node").count()).toBe(10);
      expect(await violations(page)).toEqual([]);

      // What is shown is what the library computes with the same weights.
      const cell = parseCell(`weight p = 1\n${text}`);
      const machine = await openMachine("reference");
      await shipped("recall-lstm", async ({ tokenizer, model: { config } }) => {
        const { vocabularySize, embeddingSize } = config;
        const model = languageModel({ vocabularySize, embeddingSize, hiddenSize: 4, cell });
        const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
        const { values } = await trace({ model, parameters }, { data: tokenizer.encode("A....?A\n") });
        await page.locator(".timeline thead button").nth(3).click();
        await page.locator("longshort-cell .node").last().click();
        const shown = await numbers(page, ".sliders output", "data-value");
        expect(shown).toHaveLength(4);
        for (const [unit, v] of shown.entries()) expect(v).toBeCloseTo(values.h_l0!.data[3 * 4 + unit]!, 9);
        parameters.close();
      });
      machine.close();

      const address = page.url();
      await page.goto("about:blank");
      await page.goto(address);
      await expect.poll(() => field.inputValue()).toBe(`weight p = 1\n${text}`);
      await page.getByRole("button", { name: "Train it" }).click();
      await expect.poll(() => page.url()).toContain("#/training");
      await page.getByRole("button", { name: "Train", exact: false }).first().click();
      await expect.poll(() => page.locator("[data-step]").count(), { timeout: 20_000 }).toBe(1);
      await page.getByRole("button", { name: "Stop" }).click();
    });
  });

  test("the sequence: values, loss and a cut unit are the library's; two cells; keys; odd texts; files that are no models", async () => {
    await shipped("text-lstm", async (opened) => {
      const text = "const h = mul(o, tanh(c)); // out\n";
      const tokens = opened.tokenizer.encode(text);
      const { values, loss } = await trace(opened, { data: tokens }, { gradients: true });
      await visit("/sequence", async (page) => {
        await page.waitForSelector("[data-loss]");
        await page.getByRole("textbox", { name: "Text" }).fill(text);
        const shownLoss = async () => (await numbers(page, "[data-loss]", "data-loss"))[0]!;
        await expect.poll(shownLoss, { timeout: 10_000 }).toBeCloseTo(loss! / (tokens.length - 1), 4);
        const map = page.locator("ls-heat-map");
        await map.locator(".heat-scroll").focus();
        await page.keyboard.press("Home");
        for (let k = 0; k < 5; k++) await page.keyboard.press("ArrowRight");
        const unit = Number(await page.locator("[data-unit]").textContent());
        const value = async () => (await numbers(page, "[data-value]", "data-value"))[0]!;
        await expect.poll(value).toBeCloseTo(values.c_l0!.data[5 * 96 + unit]!, 4);
        await page.keyboard.press("Enter");
        await page.waitForSelector("[data-without]");
        const ablation = await openAblation({ ...opened, tokens });
        const [without] = await numbers(page, "[data-without]", "data-without");
        expect(without).toBeCloseTo(await ablation.loss([{ layer: 0, unit }]), 4);
        // Without its forget gates it is worse, by as much as the library says.
        await page.keyboard.press("PageDown");
        await page.keyboard.press("PageDown");
        await expect.poll(() => page.locator(".value b").first().textContent()).toMatch(/^i /);
        await page.keyboard.press("PageDown");
        await page.getByRole("button", { name: "hold at 0" }).click();
        await expect.poll(() => page.locator("[data-without]").textContent()).toContain("f = 0");
        const gate = await ablation.loss([
          { layer: 0, unit },
          { layer: 0, gate: "f", value: 0 },
        ]);
        const held = async () => (await numbers(page, "[data-without]", "data-without"))[0]!;
        await expect.poll(held).toBeCloseTo(gate, 4);
        ablation.close();
        await page.getByRole("button", { name: "Search this text" }).click();
        await page.waitForSelector("[data-similarity]");
        const likeness = await numbers(page, "[data-similarity]", "data-similarity");
        expect(likeness).toEqual([...likeness].sort((a, b) => b - a));
        // Something is drawn: not all of the picture is of one colour.
        const colours = await map.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
          const { data } = canvas.getContext("2d")!.getImageData(60, 60, 200, 100);
          return new Set(new Uint32Array(data.buffer)).size;
        });
        expect(colours).toBeGreaterThan(10);
        await page.getByRole("button", { name: "Two cells side by side" }).click();
        await expect.poll(() => page.locator("[data-loss]").count()).toBe(2);
        expect(await violations(page)).toEqual([]);

        await page.getByRole("button", { name: "One cell" }).click();
        await page.getByRole("textbox", { name: "Text" }).fill("a 🙂 b مرحبا");
        await page.waitForSelector("text=Left out");
        await page.getByRole("textbox", { name: "Text" }).fill("🙂");
        await page.waitForSelector("text=no character in this text that the model knows");
        await page.getByRole("textbox", { name: "Text" }).fill("");
        await page.waitForSelector("text=Type or paste some text first");
        await page.getByRole("textbox", { name: "Text" }).fill("gate ".repeat(40_000));
        await page.waitForSelector("text=Only the first 4,000 characters are read", { timeout: 30_000 });
        const file = (buffer: Buffer) => ({ name: "mine.safetensors", mimeType: "application/octet-stream", buffer });
        await page.locator("input[type=file][multiple]").setInputFiles(file(Buffer.from("not a model at all")));
        await expect
          .poll(() => page.locator(".error").textContent())
          .toContain("mine.safetensors: This file is no model that can be read here");
        const own = packModel({
          config: opened.model.config,
          tokenizer: opened.tokenizer,
          tensors: await opened.parameters.toTensors(),
        });
        await page.getByRole("textbox", { name: "Text" }).fill(text);
        await page.locator("input[type=file][multiple]").setInputFiles(file(Buffer.from(own)));
        await expect.poll(shownLoss, { timeout: 10_000 }).toBeCloseTo(loss! / (tokens.length - 1), 4);
      });
    });
  });

  test("models of other programs: dropped, read as they are, with a series that is drawn or typed; nothing leaves the page", async () => {
    const machine = await openMachine("wasm");
    const golden = (name: string): Buffer => readFileSync(path.join(root, "test/golden", name));
    const state = new Uint8Array(golden("torch-pt/gru.pt"));
    const gruModel = await open(state, { machine });
    await visit("/sequence", async (page) => {
      const asked: string[] = [];
      await page.waitForSelector("[data-loss]");
      page.on("request", (request) => void (request.method() === "GET" || asked.push(request.url())));
      const choose = (name: string, buffer: Buffer) =>
        page
          .locator("input[type=file][multiple]")
          .setInputFiles({ name, mimeType: "application/octet-stream", buffer });
      // By drag and drop, as a visitor does.
      await page.evaluate(
        ([bytes, name]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(bytes)], name));
          const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
          document.querySelector(".pane")!.dispatchEvent(drop);
        },
        [Array.from(state), "gru.pt"] as const,
      );
      await expect.poll(() => page.locator(".about").textContent(), { timeout: 20_000 }).toContain("pytorch · GRU");
      const { shape } = gruModel.inputs[0]!;
      const channels = shape!.at(-1) as number;
      const data = Array.from({ length: 9 * channels }, (_, k) => Math.round(100 * Math.sin(k)) / 100);
      const rows = Array.from({ length: 9 }, (_, t) => data.slice(t * channels, (t + 1) * channels).join(","));
      await page.getByRole("textbox").fill(rows.join("\n"));
      const { values } = await gruModel.trace({ [gruModel.inputs[0]!.name]: { shape: [1, 9, channels], data } });
      const last = Object.entries(values).filter(([key]) => key.endsWith(".h") || key.endsWith(".h_reverse"));
      const value = async () => (await numbers(page, "[data-value]", "data-value"))[0]!;
      await page.locator("ls-heat-map .heat-scroll").focus();
      await page.keyboard.press("End");
      const unit = Number(await page.locator("[data-unit]").textContent());
      const [, h] = last.at(-1)!;
      await expect.poll(value).toBeCloseTo(h.data[8 * h.shape[2]! + unit]!, 4);
      // A unit is cut out of it: its answer moves as far as the library says; states are searched in what it reads.
      const [key] = last.at(-1)!;
      const inputs = { [gruModel.inputs[0]!.name]: { shape: [1, 9, channels], data } };
      const whole = await gruModel.trace(inputs, { names: [], hold: [] });
      const cut = await gruModel.trace(inputs, { names: [], hold: [{ name: key, unit }] });
      const { largest } = effectOn(Object.values(whole.outputs)[0]!, Object.values(cut.outputs)[0]!);
      expect(largest).toBeGreaterThan(1e-3);
      await page.keyboard.press("Enter");
      await page.waitForSelector("[data-effect]");
      expect((await numbers(page, "[data-effect]", "data-effect"))[0]).toBeCloseTo(largest, 4);
      await page.getByRole("button", { name: "Search this series" }).click();
      await page.waitForSelector("[data-similarity]");
      expect((await numbers(page, "[data-at]", "data-at"))[0]).toBe(0);
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "put back" }).click();
      await expect.poll(() => page.locator("[data-effect]").count()).toBe(0);

      await choose("lstm.onnx", golden("torch-onnx/lstm_l1_op9/model.onnx"));
      await expect.poll(() => page.locator(".about").textContent()).toContain("onnx · LSTM");
      await choose("m.safetensors", Buffer.from(oneChannel()));
      await expect.poll(() => page.locator(".about").textContent()).toContain("reads 1 number a step");
      const field = page.getByRole("textbox");
      const before = await field.inputValue();
      await page.locator(".pad").scrollIntoViewIfNeeded();
      const box = (await page.locator(".pad").boundingBox())!;
      await page.mouse.move(box.x + 20, box.y + 10);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width - 20, box.y + box.height - 10, { steps: 6 });
      await page.mouse.up();
      await expect.poll(() => field.inputValue()).not.toBe(before);
      const drawn = (await field.inputValue()).split(" ").map(Number);
      expect(drawn.length).toBe(160);
      expect(drawn[20]! - drawn[140]!).toBeGreaterThan(0.8);
      const own = await open(oneChannel(), { machine });
      const result = await own.trace({ input: { shape: [1, 160, 1], data: drawn } });
      const output = async () => (await numbers(page, "[data-output]", "data-output"))[0]!;
      await page.locator("ls-heat-map .heat-scroll").focus();
      await page.keyboard.press("End");
      await expect.poll(output).toBeCloseTo(result.outputs.output!.data[159]!, 4);
      own.close();
      await field.fill("1, two, 3");
      await page.waitForSelector("text=“two” is no number");
      await page.getByRole("button", { name: "中文" }).click();
      await choose("x.pt", Buffer.from("nothing"));
      await page.waitForSelector("text=这个文件不是这里能读的模型");
      expect(asked).toEqual([]);
      expect(await violations(page)).toEqual([]);
    });
    gruModel.close();
    machine.close();
  });

  test("the sequence: a series by the switch, a unit cut out of its model; a dropped table; and back to text", async () => {
    const machine = await openMachine("wasm");
    const model = await open(readFileSync(path.join(models, "series-lstm.safetensors")), { machine });
    const [input] = model.inputs.filter(({ optional }) => !optional);
    const [output] = model.outputs;
    const said = async (data: readonly number[], hold: readonly { name: string; unit: number }[] = []) =>
      (await model.trace({ [input!.name]: { shape: [1, data.length, 1], data } }, { names: [], hold })).outputs[
        output!.name
      ]!;
    await visit("/sequence", async (page) => {
      await page.waitForSelector("[data-follows]");
      const pressed = (name: string) => page.getByRole("button", { name, exact: true }).getAttribute("aria-pressed");
      expect([await pressed("Text"), await pressed("A series")]).toEqual(["true", "false"]);
      await page.getByRole("button", { name: "A series", exact: true }).press("Enter");
      await page.waitForSelector("[data-output]");
      await expect.poll(() => pressed("A series")).toBe("true");
      expect(await page.locator("[data-loss]").count()).toBe(0);
      const field = page.getByRole("textbox", { name: /Series/ });
      const typed = (await field.inputValue()).split(" ").map(Number);
      expect(typed).toHaveLength(160);
      const whole = await said(typed);
      await page.locator("ls-heat-map .heat-scroll").focus();
      await page.keyboard.press("End");
      const answer = async (name = "data-output") => (await numbers(page, "[data-output]", name))[0]!;
      await expect.poll(answer).toBeCloseTo(whole.data[159]!, 4);
      const unit = Number(await page.locator("[data-unit]").textContent());
      await page.getByRole("button", { name: `Cut unit ${unit}` }).click();
      await page.waitForSelector("[data-effect]");
      const key = Object.keys((await model.trace({ [input!.name]: { shape: [1, 1, 1], data: [0] } })).values).find(
        (name) => name.endsWith(".h"),
      )!;
      const cut = await said(typed, [{ name: key, unit }]);
      expect(await answer("data-cut")).toBeCloseTo(cut.data[159]!, 4);
      expect((await numbers(page, "[data-effect]", "data-effect"))[0]).toBeCloseTo(effectOn(whole, cut).largest, 4);
      expect(await violations(page)).toEqual([]);

      await page.getByRole("button", { name: "Text", exact: true }).click();
      await page.waitForSelector("[data-loss]");
      expect(await pressed("Text")).toBe("true");
      // A table that is dropped while a text is read is a series for the model that reads one.
      const table = ["value", ...Array.from({ length: 40 }, (_, t) => Math.sin(t / 3).toFixed(3))].join("\r\n");
      await page.evaluate((content) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([content], "measured.csv", { type: "text/csv" }));
        const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
        document.querySelector(".pane")!.dispatchEvent(drop);
      }, table);
      await page.waitForSelector("[data-output]");
      expect(await pressed("A series")).toBe("true");
      const read = table.split("\r\n").slice(1).map(Number);
      await page.locator("ls-heat-map .heat-scroll").focus();
      await page.keyboard.press("End");
      const told = await said(read);
      await expect.poll(answer).toBeCloseTo(told.data[39]!, 4);
    });
    model.close();
    machine.close();
  });

  test("training: it learns, pauses, steps, goes back; gradient flow is the library's", async () => {
    const machine = await openMachine("wasm");
    const norms = await gradientFlow({ machine, cell: gru(), hiddenSize: 24, steps: 200, seed: 1, bias: { z: 3 } });
    await visit("/training", async (page) => {
      await page.waitForSelector("[data-flow=gru]");
      const shown = Object.fromEntries(
        await Promise.all(
          ["rnn", "lstm", "gru"].map(async (c) => [c, (await numbers(page, `[data-flow=${c}]`, "data-value"))[0]!]),
        ),
      );
      expect(shown.gru! / norms[0]!).toBeCloseTo(1, 2);
      expect(shown.rnn).toBeLessThan(1e-12);
      expect(Math.min(shown.lstm, shown.gru)).toBeGreaterThan(1e-6);
      await page.getByRole("button", { name: "Train" }).click();
      const step = async () => (await numbers(page, "[data-step]", "data-step"))[0] ?? 0;
      await expect.poll(step, { timeout: 20_000 }).toBeGreaterThan(60);
      await page.getByRole("button", { name: "Pause" }).click();
      await page.waitForSelector(".sample pre:not(:empty)");
      await page.waitForTimeout(400);
      const paused = await step();
      await page.getByRole("button", { name: "One step" }).click();
      await expect.poll(step).toBe(paused + 1);
      await page.getByLabel("Back to step").selectOption("0");
      await page.getByRole("button", { name: "One step" }).click();
      await expect.poll(step).toBe(1);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Download the model" }).click(),
      ]);
      const opened = await openPackedModel(new Uint8Array(readFileSync(await download.path())), machine);
      expect(opened.model.config.hiddenSize).toBe(24);
      opened.parameters.close();
      expect(await violations(page)).toEqual([]);
    });
    machine.close();
  });

  test("training: the adding problem; a tab that is closed in the midst of it is asked about on the next visit", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB" });
    try {
      const first = await context.newPage();
      await first.goto(`${url}#/training`);
      await first.getByRole("combobox", { name: "Data" }).selectOption("adding");
      await first.getByRole("button", { name: "Train" }).click();
      await first.waitForSelector(".sample pre:not(:empty)", { timeout: 20_000 });
      expect(await first.locator(".sample pre").textContent()).toMatch(/ \+ .* = .*→ /s);
      await first.getByRole("button", { name: "Pause" }).click();
      await first.waitForTimeout(600);
      const [step] = await numbers(first, "[data-step]", "data-step");
      await first.close();
      const second = await context.newPage();
      await second.goto(`${url}#/training`);
      await second.waitForSelector(".left");
      expect(await violations(second)).toEqual([]);
      await second.getByRole("button", { name: "Go on with it" }).click();
      await second.waitForSelector("[data-step]");
      expect((await numbers(second, "[data-step]", "data-step"))[0]).toBeGreaterThan(step!);
      // What was seen before the tab was closed is on the curve too.
      await second.waitForSelector(".results .curves");
      await second.getByRole("button", { name: "Stop" }).click();
      // It can be begun anew once it is forgotten.
      await second.getByRole("button", { name: "Train" }).waitFor();
      await second.reload();
      await second.waitForSelector("[data-flow=gru]", { timeout: 20_000 });
      expect(await second.locator(".left").count()).toBe(0);
    } finally {
      await context.close();
    }
  });

  test("lessons: eight stops in both languages, by keys alone; the two ways of writing give the same numbers", async () => {
    await visit("/lessons/1", async (page) => {
      await page.waitForSelector("[data-expects]");
      expect(await page.locator("html").getAttribute("lang")).toBe("en");
      for (let stop = 1; stop < 8; stop++) {
        await page.locator(".turn .on").focus();
        await page.keyboard.press("Enter");
        await page.waitForSelector(`text=${stop + 1} / 8`);
      }
      const [rnnCount, gruCount, lstmCount] = await numbers(page, "[data-count]", "data-count");
      expect([gruCount! / rnnCount!, lstmCount! / rnnCount!]).toEqual([3, 4]);
      await page.goto(`${url}#/lessons/4`);
      await page.waitForSelector("[data-sum]");
      const sums = await numbers(page, "[data-sum]", "data-sum");
      expect(sums).toHaveLength(8);
      for (let k = 0; k < 4; k++) expect(sums[k]).toBeCloseTo(sums[k + 4]!, 9);
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "中文" }).click();
      await page.waitForSelector("text=一个向量，四个值");
      expect(await page.locator("html").getAttribute("lang")).toBe("zh-Hans");
    });
    await visit("/lessons/1", (page) => page.waitForSelector("text=顺序有意义").then(() => undefined), {
      locale: "zh-CN",
    });
  });

  test("the report of inspect: one page without anything else, values as traced, runs side by side", async () => {
    const machine = await openMachine("wasm");
    const runs: string[] = [];
    let traced: ReadonlyMap<string, ArrayLike<number>> = new Map();
    for (const cell of ["lstm", "gru"]) {
      const run = await tinyRun(machine, { cell });
      runs.push(path.join(folder, `run-${cell}`));
      await saveRun(runs.at(-1)!, { config: { model: run.model.config }, ...partsOf(run) });
      if (cell === "lstm") {
        const { values } = await traceText({ ...partsOf(run), machine, text: "ab c" });
        traced = new Map(Object.values(values).map(({ name, data }) => [name, data]));
      }
      run.parameters.close();
    }
    machine.close();
    const file = path.join(folder, "report.html");
    const corpus = path.join(folder, "corpus.txt");
    writeFileSync(corpus, "ab cc bab c");
    const command = ["inspect", runs[0]!, "--text", "ab c", "--html", file, "--compare", runs[1]!, "--nearest", corpus];
    const { status, stderr } = spawnSync(process.execPath, [path.join(root, "dist/node/cli.js"), ...command], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const page = await browser.newPage();
    try {
      const said: string[] = [];
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      page.on("pageerror", (error) => said.push(error.message));
      await page.goto(`file://${file}`);
      await expect.poll(() => page.locator("ls-heat-map canvas").count()).toBe(2);
      await page.locator(".heat-scroll").first().focus();
      await page.keyboard.press("ArrowRight");
      // It begins with the state that is kept, at the unit that varies most.
      const c = traced.get("c")!;
      const spread = Array.from({ length: 6 }, (_, unit) => {
        const series = [0, 1, 2, 3].map((t) => c[t * 6 + unit]!);
        const middle = series.reduce((a, b) => a + b) / 4;
        return series.reduce((sum, v) => sum + (v - middle) ** 2, 0);
      });
      const unit = spread.indexOf(Math.max(...spread));
      const shown = c[6 + unit]!.toFixed(3).replace("-", "−");
      await expect
        .poll(() => page.locator(".value").first().textContent())
        .toContain(`c  cell state · unit ${unit} · “b” · ${shown}`);
      const alike = page.locator(".alike li");
      expect(await page.locator(".alike").count()).toBe(2);
      expect(await alike.first().textContent()).toMatch(/^1\.000ab c/);
      expect(await alike.first().locator("mark").textContent()).toBe("c");
      expect(said).toEqual([]);
    } finally {
      await page.close();
    }
  });

  test("a visit takes no more than 250 kB compressed, without models, which are small too", async () => {
    for (const hash of ["/lessons/1", "/sequence"]) {
      const files = new Set<string>();
      const listen = (page: Page): void => {
        page.context().on("response", (response) => void files.add(new URL(response.url()).pathname));
      };
      await visit("/", async (page) => {
        listen(page);
        await page.goto(`${url}?again#${hash}`);
        await page.waitForSelector("[data-expects], [data-loss]");
        await page.waitForTimeout(300);
      });
      const code = [...files].filter((file) => /\.(js|css)$/.test(file));
      expect(code.length).toBeGreaterThan(2);
      const bytes = code.reduce((n, file) => n + brotliCompressSync(readFileSync(folder + file)).length, 0);
      expect(bytes, hash).toBeLessThan(250_000);
    }
    for (const file of readdirSync(path.join(folder, "models")))
      expect(readFileSync(path.join(folder, "models", file)).length, file).toBeLessThan(300_000);
  });

  test("works on a host that isolates nothing, and says what is wrong where workers are refused", async () => {
    const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
    const plain = createServer((request, response) => {
      const name = new URL(request.url ?? "/", url).pathname;
      const file = path.join(folder, name === "/" ? "index.html" : name);
      if (!existsSync(file)) response.writeHead(404).end();
      else
        response.writeHead(200, { "content-type": types[path.extname(file)] ?? "text/plain" }).end(readFileSync(file));
    });
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const page = await browser.newPage();
    try {
      const address = `http://127.0.0.1:${(plain.address() as AddressInfo).port}/`;
      await page.goto(`${address}#/sequence`);
      await page.waitForSelector("[data-loss]");
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
      await page.addInitScript(() => {
        Object.assign(globalThis, {
          Worker: class {
            constructor() {
              throw new Error("refused");
            }
          },
        });
      });
      await page.goto(`${address}?refused#/sequence`);
      await page.waitForSelector("text=This browser refuses workers");
      // A script of the page's own frame only: nothing else of the browser is asked.
      await page.addInitScript(() => Reflect.deleteProperty(globalThis, "WebAssembly"));
      await page.goto(`${address}?none#/sequence`);
      await page.waitForSelector("text=This browser refuses WebAssembly");
    } finally {
      await page.close();
      plain.close();
    }
  });
});

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { packRun } from "../../src/checkpoint/packed-run.ts";
import { type SafeTensor, safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openMachine } from "../../src/compute/open.ts";
import { openAblation } from "../../src/explain/ablation.ts";
import { effectOn } from "../../src/explain/effect.ts";
import { trace } from "../../src/explain/trace.ts";
import { open } from "../../src/formats/open.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { models, numbers, type Playground, root, shipped, violations } from "./playground.ts";

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

/** The room of the sequence: texts, series, models of other programs. */
export function sequenceRoom(of: () => Playground): void {
  test("the sequence: values, loss and a cut unit are the library's; two cells; keys; odd texts; files that are no models", async () => {
    await shipped("text-lstm", async (opened) => {
      const text = "const h = mul(o, tanh(c)); // out\n";
      const tokens = opened.tokenizer.encode(text);
      const { values, loss } = await trace(opened, { data: tokens }, { gradients: true });
      await of().visit("/sequence", async (page) => {
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
        await page.getByLabel("Search a text file…").setInputFiles({
          ...{ name: "empty.txt", mimeType: "text/plain", buffer: Buffer.from("") },
        });
        await page.waitForSelector(".error >> text=There is no character");
        await page.getByRole("button", { name: "Search this text" }).click();
        await page.waitForSelector("[data-similarity]");
        expect(await page.locator(".error").count()).toBe(0);
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
        const own = await packRun({ config: { model: opened.model.config }, ...opened });
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
    await of().visit("/sequence", async (page) => {
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
    await of().visit("/sequence", async (page) => {
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
}

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClassifier } from "../../examples/classifier-page/classifier.ts";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { fromFolder, withPage } from "../package/page.ts";
import { runTorch, withTorch } from "../support/torch.ts";

const example = fileURLToPath(new URL("../../examples/classifier-page/", import.meta.url));
const weights = join(example, "surnames.pt");
const meaning = JSON.parse(readFileSync(join(example, "surnames.json"), "utf8"));
const best = (probabilities: readonly number[]): string =>
  meaning.languages[probabilities.indexOf(Math.max(...probabilities))];
const opened = () => openClassifier(new Blob([new Uint8Array(readFileSync(weights))]), meaning);

describe("the page of surnames", () => {
  it("has a small file of weights, which says what everyone knows of well-known names", async () => {
    expect(statSync(weights).size).toBeLessThan(100_000);
    const classifier = await opened();
    expect(classifier.letters("Papadópoulos!")).toBe("papadopoulos");
    const said = await Promise.all(
      ["Virtanen", "Papadópoulos", "Kowalski", "Yamamoto", "Schneider", "Martinelli"].map((name) =>
        classifier.classify(name).then(best),
      ),
    );
    expect(said).toEqual(["Finnish", "Greek", "Polish", "Japanese", "German", "Italian"]);
    classifier.close();
  });
});

withTorch("the classifier of the page in PyTorch", () => {
  it("says the same, after no letters, some and all", async () => {
    const names = ["", "ko", "kowalski", "abcdefghijklmnopqrstuvwxyz"];
    const program = `
import json, sys, torch
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import train
model = train.Classifier(len(train.NAMES)).eval()
model.load_state_dict(torch.load(sys.argv[1] + "surnames.pt"))
with torch.no_grad():
    print(json.dumps([model(train.batch([(n, 0)])[0])[0, -1].softmax(0).tolist() for n in json.loads(sys.argv[2])]))
`;
    const theirs: number[][] = JSON.parse(runTorch(program, example, JSON.stringify(names)));
    const classifier = await opened();
    for (const [k, name] of names.entries())
      for (const [language, probability] of (await classifier.classify(name)).entries())
        expect(probability).toBeCloseTo(theirs[k]![language]!, 5);
    classifier.close();
  });
});

const reason = chromiumPath ? "" : " (skipped: no Chromium here; install Debian's or name one in CHROMIUM)";
describe.skipIf(chromiumPath === undefined)(`in Chromium${reason}`, () => {
  const outDir = mkdtempSync(join(tmpdir(), "longshort-classifier-"));
  beforeAll(async () => {
    const configFile = join(example, "vite.config.ts");
    await build({ configFile, logLevel: "warn", build: { outDir, emptyOutDir: true } });
  });
  afterAll(() => rmSync(outDir, { recursive: true, force: true }));

  const shown = (page: Page): Promise<string | null> => page.textContent("#languages .best");
  const status = (page: Page, text: string) =>
    page.waitForFunction((wanted) => document.getElementById("status")?.textContent === wanted, text);

  it("opens the weights from a URL and from a file, with progress, and answers while one types", {
    timeout: 90_000,
  }, async () => {
    await withPage(fromFolder(outDir), async (page) => {
      // Everything that the line of progress ever said.
      await page.addInitScript(() => {
        const said: string[] = [];
        Object.assign(globalThis, { said });
        new MutationObserver(() => said.push(document.getElementById("status")?.textContent ?? "")).observe(document, {
          ...{ subtree: true, childList: true, characterData: true },
        });
      });
      await page.reload();
      await status(page, "surnames.pt is loaded.");
      for (const [typed, language] of [
        ["Yamamo", "Japanese"],
        ["Papadopoulos", "Greek"],
        ["Kowalski", "Polish"],
      ] as const) {
        await page.fill("#name", "");
        await page.locator("#name").pressSequentially(typed);
        await page.waitForFunction(
          (letters) => document.getElementById("letters")?.textContent?.endsWith(letters),
          `: ${typed.toLowerCase()}`,
        );
        expect(await shown(page)).toContain(language);
      }
      const figures = (await page.locator("#languages output").allTextContents()).map(Number.parseFloat);
      expect(figures.reduce((a, b) => a + b)).toBeCloseTo(100, 0);

      await page.setInputFiles("#file", { name: "again.pt", mimeType: "", buffer: readFileSync(weights) });
      await status(page, "again.pt is loaded.");
      expect(await shown(page)).toContain("Polish");
      const said = await page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
      for (const name of ["surnames.pt", "again.pt"])
        expect(said).toContain(`Loading ${name}: 100 % of ${Math.round(statSync(weights).size / 1000)} kB`);

      await page.setInputFiles("#file", { name: "bad.pt", mimeType: "", buffer: Buffer.from("no model") });
      await page.waitForFunction(() =>
        /begins as no known format does/.test(document.getElementById("status")?.textContent ?? ""),
      );
    });
  });

  it.each([
    ["is missing", { status: 404 }],
    ["is another page", { contentType: "text/html", body: "<!doctype html>" }],
  ])("says so where the file of the languages %s", { timeout: 90_000 }, async (_, answer) => {
    await withPage(fromFolder(outDir), async (page) => {
      await page.route(/surnames.*\.json/, (route) => route.fulfill(answer));
      await page.reload();
      await status(page, "The languages (surnames.json) could not be loaded. Load the page again.");
      expect(await page.locator("#name").getAttribute("placeholder")).toBe("");
    });
  });
});

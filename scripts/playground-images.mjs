/** `node scripts/playground-images.mjs [FOLDER]`: pictures of the playground's rooms in docs/images/playground/, from a fresh build. */
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { build, preview } from "vite";
import { root } from "./bootstrap.mjs";
import { chromiumPath } from "./chromium.mjs";

const folder = path.resolve(process.argv[2] ?? path.join(root, "docs/images/playground"));
mkdirSync(folder, { recursive: true });
const configFile = path.join(root, "playground/vite.config.ts");
await build({ configFile, logLevel: "warn" });
const server = await preview({ configFile, preview: { port: 0, host: "127.0.0.1" }, logLevel: "warn" });
const url = server.resolvedUrls.local[0];
const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });

const wide = { width: 1320, height: 860 };
const phone = { width: 390, height: 844 };
const shots = [
  { name: "lessons", hash: "/lessons/3", size: wide },
  { name: "lessons-chinese", hash: "/lessons/6", size: wide, locale: "zh-CN" },
  { name: "cell", hash: "/cell/lstm", size: wide, ready: ".timeline [data-expects]", act: (page) => stepTo(page, 5) },
  { name: "sequence", hash: "/sequence", size: wide, ready: "[data-loss]" },
  { name: "sequence-dark", hash: "/sequence", size: wide, dark: true, ready: "[data-loss]" },
  { name: "series", hash: "/sequence", size: { width: 1320, height: 1180 }, ready: "[data-loss]", act: ownModel },
  {
    name: "cell-dark-chinese",
    hash: "/cell/gru",
    size: wide,
    dark: true,
    locale: "zh-CN",
    ready: ".timeline [data-expects]",
  },
  { name: "training", hash: "/training", size: { width: 1320, height: 1500 }, act: train },
  { name: "phone-sequence", hash: "/sequence", size: phone, ready: "[data-loss]" },
  { name: "phone", hash: "/lessons/5", size: phone, dark: true, locale: "zh-CN" },
];

async function stepTo(page, step) {
  await page.locator(".timeline thead button").nth(step).click();
}

/** A model of numbers that learned the series in the training room, opened as a file. */
async function ownModel(page) {
  await page.evaluate(() => (location.hash = "#/training"));
  await page.locator("select").first().selectOption("series");
  await page.locator("button.primary").first().click();
  await page.waitForSelector("[data-step]");
  await page.waitForTimeout(9000);
  const saved = page.waitForEvent("download");
  await page.locator("button", { hasText: "↓" }).click();
  const file = await (await saved).path();
  await page.locator("button", { hasText: "■" }).click();
  await page.evaluate(() => (location.hash = "#/sequence"));
  await page.locator("input[type=file][multiple]").setInputFiles({
    name: "series.safetensors",
    mimeType: "application/octet-stream",
    buffer: readFileSync(file),
  });
  await page.waitForSelector("[data-output]");
}

async function train(page) {
  await page.locator("button.primary").first().click();
  await page.waitForSelector("[data-step]");
  await page.waitForTimeout(9000);
}

const only = process.argv.slice(3);
// Pictures that are kept are small; those in a folder of your own are exact.
const image = process.argv[2] ? { type: "png" } : { type: "jpeg", quality: 78 };
for (const { name, hash, size, dark, locale = "en-GB", ready, act } of shots) {
  if (only.length > 0 && !only.includes(name)) continue;
  const context = await browser.newContext({ viewport: size, locale, colorScheme: dark ? "dark" : "light" });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && console.error(`${name}: ${message.text()}`));
  page.on("pageerror", (error) => console.error(`${name}: ${error.message}`));
  await page.goto(`${url}#${hash}`);
  if (ready) await page.waitForSelector(ready, { timeout: 60_000 });
  await act?.(page);
  await page.waitForTimeout(1500);
  await page.screenshot({ path: path.join(folder, `${name}.${image.type}`), ...image });
  console.log(name);
  await context.close();
}
await browser.close();
await server.close();

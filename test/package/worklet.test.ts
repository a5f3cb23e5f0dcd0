import { beforeAll, expect, it } from "vitest";
import { ensureBuilt } from "../../scripts/bootstrap.mjs";
import { browsers, textOf, whatAPageSays } from "./browsers.ts";
import { lastScores } from "./worklet-step.mjs";

/*
 * An audio worklet has WebAssembly and the language itself, but no TextEncoder, performance, URL, timers or network. One step compiled
 * there reads frame after frame with the weights that the page sent.
 */

beforeAll(ensureBuilt, 300_000);

const page = `
  const context = new OfflineAudioContext(1, 128 * 40, 16000);
  await context.audioWorklet.addModule("/worklet.js");
  const node = new AudioWorkletNode(context, "scores", { processorOptions: { frames: 40 } });
  const said = (body) => fetch("/said", { method: "POST", body: JSON.stringify(body) });
  node.onprocessorerror = () => said("the processor failed");
  const answer = () => new Promise((resolve) => { node.port.onmessage = ({ data }) => resolve(data); });
  const ready = await answer();
  if (ready !== "ready") await said(ready);
  node.connect(context.destination);
  const last = answer();
  await context.startRendering();
  await said(await last);`;

it.for(browsers)(
  "$name: one step in an audio worklet gives the bits of Node",
  { timeout: 120_000 },
  async (browser, context) => {
    if (browser.program === undefined)
      return context.skip(`no ${browser.name} here: install it, or name it in ${browser.name.toUpperCase()}`);
    const files = {
      "/worklet.js": textOf(new URL("./worklet-step.mjs", import.meta.url)).replace('"longshort"', '"/longshort.js"'),
      "/longshort.js": textOf(new URL("../../dist/longshort.browser.js", import.meta.url)),
    };
    expect(JSON.parse(await whatAPageSays(browser, { script: page, files, isolated: false }))).toEqual(
      await lastScores(40),
    );
  },
);

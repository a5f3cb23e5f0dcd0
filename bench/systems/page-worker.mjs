/** In a worker of a page: measures the case that the server holds, with as many threads as it is told. */
import { unpack } from "../unpack.mjs";
import { measureOurs } from "./ours.mjs";

self.onmessage = async ({ data: threads }) => {
  try {
    const library = await import("../../dist/longshort.browser.js");
    const [json, numbers] = await Promise.all([fetch("/data/case.json"), fetch("/data/data.bin")]);
    const data = unpack(await json.text(), await numbers.arrayBuffer());
    self.postMessage(await measureOurs(library, { ...data, threads }));
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};

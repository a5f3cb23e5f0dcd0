/** In a worker of a page: measures the case that the server holds, with as many threads as it is told. */
import { unpack } from "../unpack.mjs";
import { measureOurs } from "./ours.mjs";

self.onmessage = async ({ data: threads }) => {
  try {
    // By its URL: the type check reads what an import names, and what is minified is not for it.
    const library = await import(new URL("../../dist/longshort.browser.js", import.meta.url).href);
    const [json, numbers] = await Promise.all([fetch("/data/case.json"), fetch("/data/data.bin")]);
    const data = unpack(await json.text(), await numbers.arrayBuffer());
    self.postMessage(await measureOurs(library, { ...data, threads }));
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};

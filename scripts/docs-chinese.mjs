/** `npm run docs:chinese`: carries the code of the English pages over into the Chinese ones. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { orExit, root } from "./bootstrap.mjs";
import { chinesePages } from "./docs/chinese-code.mjs";

orExit(() => {
  const changed = chinesePages()
    .map(({ page, text, wanted }) => ({ page, text, wanted: wanted() }))
    .filter(({ text, wanted }) => text !== wanted);
  for (const { page, wanted } of changed) writeFileSync(path.join(root, "docs", page), wanted);
  console.log(`${changed.length} pages in docs/zh changed`);
});

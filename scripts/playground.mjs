/**
 * `npm run playground`: serves the page while it is worked on. `npm run playground:build`: writes playground/dist/, which any host
 * can serve; `npm run playground -- preview` serves that.
 */
import path from "node:path";
import { build, createServer, preview } from "vite";
import { ensureInstalled, orExit, root } from "./bootstrap.mjs";

orExit(ensureInstalled);
const configFile = path.join(root, "playground/vite.config.ts");
const [command = "dev"] = process.argv.slice(2);
if (command === "build") await build({ configFile });
else if (command === "preview") (await preview({ configFile })).printUrls();
else if (command === "dev") {
  const server = await createServer({ configFile });
  await server.listen();
  server.printUrls();
} else {
  console.error(`expected dev, build or preview, got ${command}`);
  process.exit(2);
}

/** `npm run build`: installs when needed and compiles src/ to dist/. */
import { ensureBuilt, ensureInstalled, orExit } from "./bootstrap.mjs";

orExit(() => {
  ensureInstalled();
  ensureBuilt();
});

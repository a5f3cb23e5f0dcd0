/** `npm run build`: installs when needed and compiles src/ to dist/. */
import { ensureReady } from "./bootstrap.mjs";

ensureReady();

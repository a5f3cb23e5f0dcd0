/** Where Chromium is: what CHROMIUM names, or Debian's. Undefined where there is none. */
import { existsSync } from "node:fs";

export const chromiumPath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (file) => file && existsSync(file),
);

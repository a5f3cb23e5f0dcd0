/** `npm start`: installs and builds when needed, then runs the demo of the command line. `npm start -- train text FILE` runs another command. */
import { spawn } from "node:child_process";
import path from "node:path";
import { ensureReady, root } from "./bootstrap.mjs";
import { engineFlags } from "./flags.mjs";

ensureReady();

const given = process.argv.slice(2);
const command = [...engineFlags(), path.join(root, "dist", "node", "cli.js"), ...(given.length > 0 ? given : ["demo"])];
const child = spawn(process.execPath, command, { stdio: "inherit" });

// The terminal sends Ctrl-C to the child as well; it decides how to stop, and we report how it did.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(signal ? 130 : (code ?? 1)));

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureBuilt, root } from "../../scripts/bootstrap.mjs";

const folder = mkdtempSync(join(tmpdir(), "longshort-unfinished-"));
const built = JSON.stringify(pathToFileURL(join(root, "dist", "platform", "node.js")).href);
beforeAll(() => ensureBuilt());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ending {
  readonly code: number | null;
  readonly by: NodeJS.Signals | null;
  readonly names: readonly string[];
  readonly content: string;
}

/** Writes `file` over an old one in a process of its own, which does `act` when half of it is written, and then gets the signal. */
async function write(name: string, act: string, signal?: NodeJS.Signals): Promise<Ending> {
  const place = mkdtempSync(join(folder, `${name}-`));
  const file = join(place, "file");
  writeFileSync(file, "old");
  const script = `import { platform } from ${built};
const listeners = () => ["exit", "SIGINT", "SIGTERM", "SIGHUP"].map((name) => process.listenerCount(name)).join();
const before = listeners();
let goOn = false;
async function* content() {
  const half = new TextEncoder().encode("half");
  yield half;
  ${act}
  console.log("writing");
  while (!goOn) await new Promise((resolve) => setTimeout(resolve, 10));
  yield half;
}
await platform.writeFileAtomic(${JSON.stringify(file)}, content());
await new Promise((resolve) => setTimeout(resolve, 10));
process.exitCode = listeners() === before ? 0 : 9;`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.once("data", () => signal && child.kill(signal));
  const [code, by] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.on("close", (...ended) => resolve(ended)),
  );
  return { code, by, names: readdirSync(place), content: readFileSync(file, "utf8") };
}

describe.skipIf(process.platform === "win32")("a process that ends while a file is written", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("leaves the old file alone there, by %s", async (signal) =>
    expect(await write(signal, "", signal)).toEqual({ code: null, by: signal, names: ["file"], content: "old" }),
  );

  it("leaves the old file alone there when it exits by itself", async () =>
    expect(await write("exit", "process.exit(3);")).toEqual({ code: 3, by: null, names: ["file"], content: "old" }));

  it("goes on where the program listens to the signal itself", async () => {
    const listen = 'process.on("SIGTERM", () => { goOn = true; });';
    const { names, content, by } = await write("listens", listen, "SIGTERM");
    expect({ names, content, by }).toEqual({ names: ["file"], content: "halfhalf", by: null });
  });

  it("listens to nothing any more once the file is written", async () =>
    expect(await write("done", "goOn = true;")).toEqual({ code: 0, by: null, names: ["file"], content: "halfhalf" }));
});

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engineFlags } from "../../scripts/flags.mjs";

const main = fileURLToPath(new URL("../../dist/node/cli.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "longshort-process-"));
const text = join(folder, "text.txt");
const run = join(folder, "run");
const small = ["--hidden-size", "8", "--batch-size", "4", "--sequence-length", "10"];

/** The built command line as a process of its own. */
const longshort = (...argv: string[]) =>
  spawnSync(process.execPath, [main, ...argv], { cwd: folder, encoding: "utf8" });

beforeAll(() => {
  if (!existsSync(main)) throw new Error("dist/node/cli.js is missing: npm run build");
  writeFileSync(text, "hello world, hello words\n".repeat(40));
  const { status, stderr } = longshort("train", "text", text, ...small, "--epochs", "2", "-o", run);
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("epoch 2/2: loss") });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the command line as a process", () => {
  it("starts itself with the engine's flags, once", () => {
    // Whoever passes the flags is not started again; both ways lead to the same text.
    const argv = ["generate", run, "--length", "20"];
    const plain = longshort(...argv);
    const marked = spawnSync(process.execPath, [main, ...argv], { env: { ...process.env, LONGSHORT_RESTARTED: "1" } });
    expect(plain).toMatchObject({ status: 0, stderr: "" });
    expect(plain.stdout).toHaveLength(21);
    expect(marked.status).toBe(0);
  });

  it.runIf(engineFlags().length > 0)("starts what computes with the engine's flags, and nothing else", () => {
    const told = join(folder, "told.cjs");
    writeFileSync(told, "process.stderr.write(JSON.stringify(process.execArgv) + '\\n')");
    const starts = (...argv: string[]): number => {
      const env = { ...process.env, NODE_OPTIONS: `--require ${told}` };
      return spawnSync(process.execPath, [main, ...argv], { encoding: "utf8", env }).stderr.match(/^\[/gm)!.length;
    };
    for (const command of ["train", "generate", "quantize", "predict"]) expect(starts(command), command).toBe(2);
    for (const argv of [["runs"], ["pack"], ["train", "--help"], ["help", "train"], ["info", "train"], ["-v"]])
      expect(starts(...argv), argv.join(" ")).toBe(1);
  });

  it("hands on exit codes: a wrong call 2, a failure 1, help 0", () => {
    expect(longshort("generate", run, "--top-p", "2")).toMatchObject({ status: 2, stdout: "" });
    expect(longshort("generate", join(folder, "none")).status).toBe(2);
    expect(longshort("train", "text", text, "--hidden-size", "1e9", "-o", join(folder, "huge")).status).toBe(1);
    expect(longshort("--help")).toMatchObject({ status: 0, stderr: "" });
    expect(longshort("trian").status).toBe(2);
  });

  it("names itself in its examples so that they can be copied", () => {
    const { stdout } = longshort("generate", "--help");
    const command = /^ {2}node (\S+) generate/m.exec(stdout)?.[1];
    expect(spawnSync(process.execPath, [command!, "--version"], { cwd: folder, encoding: "utf8" }).status).toBe(0);
  });

  it("ends silently when nobody reads any more", async () => {
    const child = spawn(process.execPath, [main, "generate", run, "--length", "1000000"]);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("leaves a conversation at /quit, though more could be typed", async () => {
    const child = spawn(process.execPath, [main, "generate", run, "--interactive"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin!.write("/quit\n");
    const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const code = await new Promise((resolve) => child.on("close", resolve));
    clearTimeout(late);
    expect(code).toBe(0);
  }, 30_000);

  it.each([
    ["stderr", []],
    ["stdout", ["--json"]],
  ] as const)("learns to the end when nobody reads %s any more", async (unread, json) => {
    const output = join(folder, `unread-${unread}`);
    const argv = ["train", "text", text, ...small, "--epochs", "30", "-o", output, ...json];
    const child = spawn(process.execPath, [main, ...argv]);
    for (const name of ["stdout", "stderr"] as const) if (name !== unread) child[name].resume();
    child[unread].once("data", () => child[unread].destroy());
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
    expect(existsSync(join(output, "model.safetensors"))).toBe(true);
    expect(readFileSync(join(output, "metrics.jsonl"), "utf8")).toContain('"reason":"done"');
  });

  it.skipIf(process.platform === "win32").each([
    ["SIGINT", { code: 130, by: null }],
    ["SIGTERM", { code: 143, by: null }],
    ["SIGHUP", { code: null, by: "SIGHUP" }],
  ] as const)("saves at the first %s and says where", async (signal, outcome) => {
    const output = join(folder, signal);
    const argv = [main, "train", "text", text, ...small, "--epochs", "1000000", "-o", output, "--json"];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    let sent = false;
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      if (!sent && stdout.includes('"progress"')) child.kill(signal);
      sent ||= stdout.includes('"progress"');
    });
    const ended = await new Promise((resolve) => child.on("close", (code, by) => resolve({ code, by })));
    expect([ended, stderr]).toEqual([outcome, expect.stringContaining("Stopping after this step")]);
    const last = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    expect(last).toMatchObject({ type: "saved", folder: output });
    const metrics = readFileSync(join(output, "metrics.jsonl"), "utf8").trimEnd().split("\n");
    const end = JSON.parse(metrics.at(-1)!) as { step: number };
    expect(end).toMatchObject({ type: "end", reason: "aborted" });
    expect(end.step).toBeGreaterThanOrEqual(last.savedStep);
    expect(longshort("evaluate", output).status).toBe(0);
  });
});

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { root } from "../../scripts/bootstrap.mjs";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { difference } from "../support/difference.ts";
import { type InstalledPackage, installPacked, program } from "./packed.ts";
import { firstLine, fromFolder } from "./page.ts";

// The package as a user gets it, in every host that it promises: the same program trains five steps in each.

const prefix = "losses ";
const minute = 60_000;
let installed: InstalledPackage;
let expected: readonly number[];

function lossesIn(output: string): number[] {
  const line = output.split("\n").find((each) => each.startsWith(prefix));
  if (!line) throw new Error(`Expected a line that begins with "${prefix}", got:\n${output}`);
  return JSON.parse(line.slice(prefix.length));
}

function ask(cwd: string, command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", timeout: 4 * minute, stdio: ["ignore", "pipe", "pipe"] });
}

function runProgram(command: string, ...args: string[]): number[] {
  return lossesIn(ask(installed.folder, command, ...args));
}

function expectSame(losses: readonly number[]): void {
  expect(losses).toHaveLength(5);
  expect(difference(losses, expected)).toBeLessThan(1e-5);
}

/** Skips when the registry has no answer: the host is then not to be had. Anything else that fails is a failure of ours. */
function fetched(context: TestContext, tool: string, ...check: string[]): void {
  try {
    ask(tmpdir(), "npx", "-y", "-p", tool, ...check);
  } catch (error) {
    context.skip(`${tool} could not be fetched from the npm registry (${(error as Error).message.split("\n")[0]})`);
  }
}

function needsBrowser(context: TestContext): void {
  if (chromiumPath === undefined) context.skip("no Chromium here: install Debian's chromium or name one in CHROMIUM");
}

beforeAll(() => {
  installed = installPacked();
  expected = runProgram(process.execPath, program);
}, 5 * minute);

afterAll(() => installed?.close());

describe("the packed package trains five steps in", () => {
  it("the Node that runs the tests, with losses that fall", () => {
    expect(expected).toHaveLength(5);
    for (const [step, loss] of expected.entries()) {
      expect(Number.isFinite(loss)).toBe(true);
      if (step > 0) expect(loss).toBeLessThan(expected[step - 1]!);
    }
  });

  for (const major of [20, 22, 24]) {
    it(`Node ${major}`, { timeout: 5 * minute }, (context) => {
      const node = `node@${major}`;
      fetched(context, node, "node", "--version");
      expectSame(runProgram("npx", "-y", "-p", node, "node", program));
    });
  }

  it("Deno", { timeout: 5 * minute }, (context) => {
    fetched(context, "deno@2", "deno", "--version");
    expectSame(
      runProgram(
        "npx",
        "-y",
        "-p",
        "deno",
        "deno",
        "run",
        "--no-prompt",
        "--allow-read",
        "--node-modules-dir=manual",
        program,
      ),
    );
  });

  it("Bun, as a program and bundled for it", { timeout: 5 * minute }, (context) => {
    fetched(context, "bun@1", "bun", "--version");
    const bun = ["npx", "-y", "-p", "bun@1", "bun"] as const;
    expectSame(runProgram(...bun, program));
    ask(installed.folder, ...bun, "build", program, "--target=bun", "--outfile=bun/bundle.mjs");
    expectSame(runProgram(...bun, "bun/bundle.mjs"));
  });

  it("Jest, which resolves and loads modules by itself", { timeout: 5 * minute }, (context) => {
    fetched(context, "jest@30", "jest", "--version");
    const { folder } = installed;
    const conditions = { customExportConditions: ["module", "node"] };
    writeFileSync(path.join(folder, "five.test.js"), `test("trains", () => import("./${program}"));\n`);
    const given = ["--runTestsByPath", "five.test.js", "--testEnvironmentOptions", JSON.stringify(conditions)];
    const [command, ...args] = ["npx", "-y", "-p", "jest@30", "jest", ...given];
    const env = { ...process.env, NODE_OPTIONS: "--experimental-vm-modules" };
    const { stdout, stderr } = spawnSync(command!, args, { cwd: folder, env, encoding: "utf8", timeout: 4 * minute });
    expect(stderr).toContain("1 passed");
    expectSame(lossesIn(stdout.replace(/^ +/gm, "")));
  });

  it("a Vite bundle in Chromium", { timeout: 3 * minute }, async (context) => {
    needsBrowser(context);
    const { folder } = installed;
    const outDir = path.join(folder, "bundle");
    writeFileSync(path.join(folder, "index.html"), `<!doctype html><script type="module" src="/${program}"></script>`);
    await build({ root: folder, configFile: false, logLevel: "warn", build: { outDir, target: "es2022" } });
    expectSame(lossesIn(await firstLine(prefix, fromFolder(outDir))));
  });

  it("a plain module script in Chromium", { timeout: 3 * minute }, async (context) => {
    needsBrowser(context);
    // Without a bundler a page names the file of the package itself.
    const file = "/node_modules/longshort/dist/longshort.browser.js";
    const byUrl = (url: string, text: string) =>
      url === `/${program}` ? text.replaceAll('"longshort"', `"${file}"`) : text;
    const files = fromFolder(installed.folder, byUrl);
    const page = { body: `<!doctype html><script type="module" src="/${program}"></script>`, type: "text/html" };
    expectSame(lossesIn(await firstLine(prefix, (url) => (url === "/" ? page : files(url)))));
  });
});

describe("the types are whole for strict programs", () => {
  const dom = "es2022,dom,dom.iterable,dom.asynciterable,esnext.disposable";
  // Elements are for pages: Node and workers do not load `longshort/components`.
  const hosts = [
    { host: "a page", lib: dom, resolution: "NodeNext", more: ["components"], types: [] },
    { host: "a page, bundled", lib: dom, resolution: "Bundler", more: ["components"], types: [] },
    { host: "Node", lib: "es2022,esnext.disposable", resolution: "Node16", more: [], types: ["node"] },
    { host: "a worker", lib: "es2022,webworker,esnext.disposable", resolution: "NodeNext", more: [], types: [] },
  ] as const;
  // Our own compiler, the oldest of those that users may have, and the newest.
  for (const compiler of ["our TypeScript", "typescript@5.4", "typescript@7"])
    it.for(hosts)(`$host, ${compiler}`, { timeout: 5 * minute }, ({ lib, resolution, more, types }, context) => {
      const { folder } = installed;
      let command = ["node", path.join(root, "node_modules", "typescript", "bin", "tsc")];
      if (compiler.includes("@")) {
        fetched(context, compiler, "tsc", "--version");
        command = ["npx", "-y", "-p", compiler, "tsc"];
      }
      const entries = ["", ...["/formats", "/explain", "/worker"], ...more.map((name) => `/${name}`)];
      const everything = entries.map((entry, k) => `export * as e${k} from "longshort${entry}";\n`).join("");
      writeFileSync(path.join(folder, "everything.ts"), everything);
      copyFileSync(path.join(root, "test", "package", "typed-program.ts"), path.join(folder, "typed-program.ts"));
      const strict = [
        ...["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--verbatimModuleSyntax"],
        ...["--noPropertyAccessFromIndexSignature", "--isolatedModules", "--skipLibCheck", "false"],
        ...["--declaration", "--emitDeclarationOnly", "--outDir", "declarations"],
      ];
      const module = resolution === "Bundler" ? "ESNext" : resolution;
      const given = [
        ...["--target", "es2022", "--lib", lib, "--module", module, "--moduleResolution", resolution],
        ...types.flatMap((name) => ["--types", name, "--typeRoots", path.join(root, "node_modules", "@types")]),
        ...["everything.ts", "typed-program.ts"],
      ];
      const [program, ...args] = [...command, ...strict, ...given];
      expect(spawnSync(program!, args, { cwd: folder, encoding: "utf8" })).toMatchObject({ stdout: "", status: 0 });
    });
});

describe("the tarball", () => {
  it("holds what a user needs and nothing that was made for us", () => {
    const { files } = installed;
    for (const needed of ["package.json", "LICENSE", "CHANGELOG.md", "README.md", "dist/index.js", "dist/index.d.ts"]) {
      expect(files).toContain(needed);
    }
    const allowed = /^(dist\/.+\.(js|d\.ts)(\.map)?|src\/.+\.ts|scripts\/flags\.mjs|package\.json|LICENSE|[A-Z]+\.md)$/;
    expect(files.filter((file) => !allowed.test(file))).toEqual([]);
  });

  it("answers `longshort --version`", () => {
    const bin = path.join(installed.folder, "node_modules", ".bin", "longshort");
    expect(execFileSync(bin, ["--version"], { encoding: "utf8" }).trim()).toMatch(/^\d+\.\d+\.\d+/);
  });
});

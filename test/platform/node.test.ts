import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { platform as browser } from "../../src/platform/browser.ts";
import { readError } from "../../src/platform/node/errors.ts";
import { platform as node } from "../../src/platform/node.ts";
import type { FileSource, Platform } from "../../src/platform/platform.ts";

const folder = mkdtempSync(join(tmpdir(), "platform-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = Uint8Array.from({ length: 700_000 }, (_, i) => (i * i) >> 5);

async function readAll(platform: Platform, source: FileSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of platform.readChunks(source)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** `toEqual` takes seconds for so many bytes. */
function expectBytes(came: Uint8Array, expected: Uint8Array): void {
  expect(came.length).toBe(expected.length);
  expect(Buffer.compare(came, expected)).toBe(0);
}

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A server that answers with what it was given, and with a page where it was given nothing. */
const served = new Map<string, Uint8Array>();
const server = createServer(({ url }, response) => {
  const content = served.get(url!);
  response.writeHead(200, { "content-type": content ? "application/octet-stream" : "text/html" });
  response.end(content ?? "<!doctype html>");
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
function serve(name: string, content: Uint8Array): string {
  served.set(`/${name}`, content);
  return `${address}/${name}`;
}

const sources: [string, Platform, (name: string, content: Uint8Array) => FileSource][] = [
  ["a path in Node", node, file],
  ["a URL in Node", node, (name, content) => pathToFileURL(file(name, content))],
  ["an address in Node", node, serve],
  ["an address as a URL in Node", node, (name, content) => new URL(serve(name, content))],
  ["a Blob in Node", node, (_, content) => new Blob([content as Uint8Array<ArrayBuffer>])],
  ["a Blob in a browser", browser, (_, content) => new Blob([content as Uint8Array<ArrayBuffer>])],
  ["a URL in a browser", browser, (_, content) => URL.createObjectURL(new Blob([content as Uint8Array<ArrayBuffer>]))],
];

describe.each(sources)("%s", (_, platform, make) => {
  test("gives the bytes of the file", async () => {
    expectBytes(await readAll(platform, make("plain", bytes)), bytes);
    expectBytes(await platform.readFile(make("plain", bytes)), bytes);
    expect(await platform.fileSize(make("plain", bytes))).toBe(bytes.length);
    expect(await readAll(platform, make("empty", new Uint8Array(0)))).toEqual(new Uint8Array(0));
    expect(await readAll(platform, make("one", Uint8Array.of(0x1f)))).toEqual(Uint8Array.of(0x1f));
  });

  test("reads parts", async () => {
    const source = await platform.openFile(make("parts", bytes));
    expect(source.size).toBe(bytes.length);
    expectBytes(await source.read(1000, 5000), bytes.subarray(1000, 6000));
    await expect(source.read(bytes.length - 1, 2)).rejects.toMatchObject({ code: "file-read-failed" });
    await source.close();
  });

  test("reads a part that is long enough for several threads", async () => {
    const many = new Uint8Array(5_000_003).map((_, i) => (i * i) >> 7);
    const source = await platform.openFile(make("long", many));
    expectBytes(await source.read(1, 4_999_999), many.subarray(1, 5_000_000));
    await source.close();
  });

  test("unpacks gzip, whatever its name, and reads it whole as it is", async () => {
    const packed = gzipSync(bytes);
    expectBytes(await readAll(platform, make("packed.txt", packed)), bytes);
    expectBytes(await platform.readFile(make("packed.txt", packed)), new Uint8Array(packed));
  });

  test("says that gzip is damaged", async () => {
    const packed = gzipSync(bytes);
    const cut = packed.subarray(0, packed.length / 2);
    await expect(readAll(platform, make("cut.gz", cut))).rejects.toMatchObject({ code: "gzip-damaged" });
    const changed = Uint8Array.from(packed);
    changed[changed.length - 6]! ^= 1;
    await expect(readAll(platform, make("changed.gz", changed))).rejects.toMatchObject({ code: "gzip-damaged" });
  });

  test.runIf(existsSync("/proc/self/fd"))("is closed when the reader leaves early", async () => {
    const openFiles = () => readdirSync("/proc/self/fd").length;
    const before = openFiles();
    for (let i = 0; i < 8; i++) {
      for (const content of [bytes, gzipSync(bytes)]) {
        for await (const chunk of platform.readChunks(make("left", content))) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
      }
    }
    await expect.poll(openFiles).toBeLessThan(before + 8);
  });
});

describe("files that cannot be read", () => {
  test.each([
    ["file-not-found", join(folder, "missing")],
    ["file-not-found", join(file("plain-file", "x"), "below")],
    ["file-not-found", new URL("https://localhost/text")],
    ["file-is-folder", folder],
    ["file-not-regular", "/dev/null"],
  ])("%s", async (code, source) => {
    for (const read of [() => readAll(node, source), () => node.readFile(source), () => node.fileSize(source)]) {
      await expect(read()).rejects.toMatchObject({ name: "UsageError", code });
    }
  });

  test("no permission: as the system reports it (root may read everything, so no file can show it here)", () => {
    const denied = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
    expect(readError(denied, "a.txt")).toMatchObject({ name: "UsageError", code: "file-unreadable" });
    expect(readError(new Error("strange"), "a.txt")).toMatchObject({ name: "FailureError", code: "file-read-failed" });
  });
});

test("a page of HTML is no file, and what a server does not have is missing; progress of a download is told", async () => {
  for (const platform of [node, browser])
    await expect(platform.readFile(`${address}/nothing.onnx`)).rejects.toThrow(
      /nothing\.onnx: expected a file, the server answered with a page/,
    );
  const told: number[] = [];
  await node.openFile(serve("told", bytes), { onDownload: ({ read }) => told.push(read) });
  expect([told[0], told.at(-1)]).toEqual([0, bytes.length]);
  expect(await node.findFiles(`${address}/a*b`)).toEqual([`${address}/a*b`]);
  expect(node.openDirect(serve("direct", bytes))).toBeUndefined();
});

describe("writing", () => {
  test("replaces a file and leaves nothing else behind", async () => {
    const own = join(folder, "atomic");
    mkdirSync(own);
    const path = join(own, "file");
    await node.writeFileAtomic(path, "old");
    await node.writeFileAtomic(pathToFileURL(path), bytes);
    expectBytes(new Uint8Array(readFileSync(path)), bytes);
    async function* chunks() {
      yield Uint8Array.of(1, 2);
      yield Uint8Array.of(3);
    }
    await node.writeFileAtomic(path, chunks());
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    expect(readdirSync(own)).toEqual(["file"]);
  });

  test("that fails half-way leaves the old file as it was", async () => {
    const own = join(folder, "half-way");
    mkdirSync(own);
    const path = join(own, "file");
    await node.writeFileAtomic(path, "old");
    async function* chunks() {
      yield Uint8Array.of(1, 2);
      throw new Error("stopped");
    }
    await expect(node.writeFileAtomic(path, chunks())).rejects.toMatchObject({ code: "file-write-failed" });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(own)).toEqual(["file"]);
  });

  test("to a folder that is not there says so, of the file that was asked for", async () => {
    await expect(node.writeFileAtomic(join(folder, "none", "file"), "x")).rejects.toMatchObject({
      ...{ name: "FailureError", code: "file-write-failed" },
      message: expect.not.stringContaining(".tmp"),
    });
  });

  test("is not possible in a browser", async () => {
    await expect(browser.writeFileAtomic("file", "x")).rejects.toMatchObject({ code: "not-on-this-platform" });
    expect(() => browser.temporaryFile()).toThrow(expect.objectContaining({ code: "not-on-this-platform" }));
  });
});

test("a temporary file is read back at any place and leaves nothing behind", () => {
  const own = join(folder, "temporary");
  mkdirSync(own);
  const scratch = node.temporaryFile({ folder: own });
  scratch.append(bytes.subarray(0, 1000));
  scratch.append(bytes.subarray(1000));
  expect(scratch.size).toBe(bytes.length);
  const target = new Uint8Array(5000);
  scratch.read(target, 800);
  expect(target).toEqual(bytes.slice(800, 5800));
  expect(() => scratch.read(target, bytes.length - 10)).toThrow(expect.objectContaining({ code: "file-read-failed" }));
  scratch.close();
  scratch.close();
  expect(readdirSync(own)).toEqual([]);
  expect(() => node.temporaryFile({ folder: join(folder, "none") })).toThrow(
    expect.objectContaining({ code: "file-write-failed" }),
  );
});

test("the clock goes forward", () => {
  for (const platform of [node, browser]) {
    const before = platform.now();
    expect(platform.now()).toBeGreaterThanOrEqual(before);
  }
});

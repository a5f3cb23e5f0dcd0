import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LateExports, lateExports } from "../../src/platform/node/late-exports.ts";

const source = `
globalThis.lateLoads = (globalThis.lateLoads ?? 0) + 1;
export const sum = (...numbers) => numbers.reduce((a, b) => a + b, 0);
export async function later(x) { return [x, this]; }
export const fails = () => { throw new RangeError("too far"); };
export class Base { #n; constructor(n) { this.#n = n; } get n() { return this.#n; } static of(n) { return new this(n); } }
export const makeBase = (n) => new Base(n);
`;

const loads = () => (globalThis as { lateLoads?: number }).lateLoads ?? 0;

let folder: string;
let late: LateExports;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "longshort-late-"));
  writeFileSync(path.join(folder, "part.mjs"), source);
  late = lateExports("./part.mjs", pathToFileURL(path.join(folder, "index.mjs")).href);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("functions and classes that are loaded when they are used", () => {
  it("load their file with the first use of any of them, and once", () => {
    const before = loads();
    const [sum, Base] = [late.functionOf("sum"), late.classOf("Base") as unknown as new (n: number) => { n: number }];
    expect([sum.name, typeof sum, typeof Base, loads()]).toEqual(["sum", "function", "function", before]);
    expect(sum(1, 2, 3)).toBe(6);
    expect(new Base(4).n).toBe(4);
    expect(loads()).toBe(before + 1);
  });

  it("give what the real ones give, errors and promises too", async () => {
    expect(await late.functionOf("later")(5)).toEqual([5, undefined]);
    expect(() => late.functionOf("fails")()).toThrow(new RangeError("too far"));
  });

  it("say what to do where a bundler took their file away", () => {
    const moved = lateExports("./running.js", pathToFileURL(path.join(folder, "bundle.mjs")).href);
    expect(() => moved.functionOf("sum")(1)).toThrow(
      expect.objectContaining({ code: "piece-missing", message: expect.stringContaining("--conditions=module") }),
    );
    writeFileSync(path.join(folder, "needs.mjs"), 'throw new TypeError("of its own");');
    const failing = lateExports("./needs.mjs", pathToFileURL(path.join(folder, "index.mjs")).href);
    expect(() => failing.functionOf("sum")(1)).toThrow(new TypeError("of its own"));
  });

  it("say what to do where a loader made CommonJS of their file: what it imports would be there twice", () => {
    writeFileSync(path.join(folder, "made.cjs"), 'Object.defineProperty(exports, "__esModule", { value: true });');
    const made = lateExports("./made.cjs", pathToFileURL(path.join(folder, "index.mjs")).href);
    expect(() => made.functionOf("sum")(1)).toThrow(
      expect.objectContaining({ code: "piece-changed", message: expect.stringContaining("--conditions=module") }),
    );
  });

  it("are classes for `new`, `instanceof`, `extends`, static members and whoever looks at them", () => {
    interface Maker {
      new (n: number): { readonly n: number };
      of(n: number): { readonly n: number };
    }
    const Base = late.classOf("Base") as unknown as Maker;
    const made = late.functionOf("makeBase")(7) as { n: number };
    expect(made instanceof Base).toBe(true);
    expect({} instanceof Base).toBe(false);
    class Wider extends Base {
      readonly wide = true;
    }
    const wider = new Wider(8);
    expect([wider.n, wider.wide, wider instanceof Wider, wider instanceof Base]).toEqual([8, true, true, true]);
    expect(made instanceof Wider).toBe(false);
    expect([Base.of(9).n, Base.name, "of" in Base]).toEqual([9, "Base", true]);
    expect(Object.getPrototypeOf(made)).toBe(Base.prototype);
    expect(Object.getOwnPropertyNames(Base).sort()).toEqual(["length", "name", "of", "prototype"]);
    expect(Object.getOwnPropertyDescriptor(Base, "prototype")).toMatchObject({ writable: false, configurable: false });
    expect(() => (Base as unknown as (n: number) => unknown)(1)).toThrow(TypeError);
  });
});

import { execFileSync, spawnSync } from "node:child_process";
import { describe } from "vitest";

/** The first Python here that has PyTorch. Continuous integration installs none. */
const python = ["python3", "/usr/bin/python3"].find(
  (command) => spawnSync(command, ["-c", "import torch"], { stdio: "ignore" }).status === 0,
);

/** Tests that ask PyTorch; skipped, with the reason in their title, where there is none. */
export function withTorch(title: string, tests: () => void): void {
  const reason = python ? "" : " (skipped: needs a python3 with torch, such as Debian's python3-torch)";
  describe.skipIf(python === undefined)(title + reason, tests);
}

/** What a program in Python prints. */
export const runTorch = (program: string, ...args: readonly string[]): string =>
  execFileSync(python!, ["-c", program, ...args], { encoding: "utf8", maxBuffer: 2 ** 28 });

import { afterEach } from "vitest";

// A library does not write to the console of the program that uses it: whatever src/ prints during a test fails that test. The command
// line prints on purpose, and a test may print what it measured.

const printed: string[] = [];

/** The file that called the console: the second line of the stack belongs to the wrapper below, the third to its caller. */
function fromLibrary(stack: string | undefined): boolean {
  const caller = stack?.split("\n")[2] ?? "";
  return /\/src\/(?!cli\/)/.test(caller) && !caller.includes("node_modules");
}

for (const method of ["debug", "error", "info", "log", "warn"] as const) {
  const original = console[method].bind(console);
  console[method] = (...args: unknown[]) => {
    if (fromLibrary(new Error().stack)) printed.push(`console.${method}: ${args.map(String).join(" ")}`);
    original(...args);
  };
}

afterEach(() => {
  const lines = printed.splice(0);
  if (lines.length > 0) throw new Error(`The library wrote to the console:\n${lines.join("\n")}`);
});

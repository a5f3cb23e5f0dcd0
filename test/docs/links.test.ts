import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { pages, proseOf, root, textOf } from "./markdown.ts";

/** A heading's name in an address, as GitHub makes it. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
const anchorsOf = (page: string): string[] =>
  [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading!.replaceAll("`", "")));

/** What is wrong with the links and pictures of a page, from `text`. */
function broken(page: string, text: string): string[] {
  const targets = [...proseOf(text).matchAll(/\]\(([^)\s]+)\)|<img[^>]* src="([^"]+)"/g)].map((m) => m[1] ?? m[2]!);
  return targets.filter((target) => {
    if (/^https:\/\//.test(target)) return false;
    const [path, hash] = target.split("#") as [string, string?];
    const file = path === "" ? resolve(root, page) : resolve(root, dirname(page), path);
    if (!existsSync(file)) return true;
    return hash !== undefined && !anchorsOf(file).includes(hash);
  });
}

describe("every link and picture leads somewhere", () => {
  test.each(pages)("%s", (page) => expect(broken(page, textOf(page))).toEqual([]));

  test("and one that leads nowhere is found", () => {
    const text = "[a](LICENSE) [b](no-such.md) [c](README.md#no-such) `[d](e)` [f](https://example.org)";
    expect(broken("README.md", text)).toEqual(["no-such.md", "README.md#no-such"]);
  });
});

test.each(pages)("%s names no folder of a machine", (page) =>
  expect(textOf(page)).not.toMatch(/(^|[\s`("'])\/(work|tmp|home|root|Users)\//m),
);

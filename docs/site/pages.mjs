/**
 * Which pages the site has, and in which order its sidebar names them. A page that is not named here is listed at the end of its
 * folder's group under its heading, so that none is ever out of reach.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds the pages. */
export const docs = fileURLToPath(new URL("..", import.meta.url));

/** Pages of the repository that the site leaves out: its home page says what is where. */
export const leftOut = ["README.md"];

/**
 * A group of the sidebar: pages by their path in docs/, without `.md`, and the name shown where it is not the page's heading.
 * `rest` is the folder whose other pages follow.
 *
 * @typedef {{ title: string, rest?: string, pages: readonly (string | readonly [page: string, name: string])[] }} Group
 */

/** @type {readonly Group[]} */
export const english = [
  { title: "Start", pages: ["guide/first-model", "guide/concepts", "guide/cells"] },
  {
    title: "Guides",
    rest: "guide",
    pages: [
      "guide/text",
      "guide/classify",
      "guide/tag",
      "guide/forecast",
      "guide/your-data",
      "guide/training",
      "guide/runs",
      "guide/serving",
      "guide/look-inside",
      "guide/speed",
      "guide/threads",
      "guide/inside",
    ],
  },
  { title: "Models of other software", pages: ["guide/formats", "guide/keras", "guide/tensorflowjs"] },
  {
    title: "Coming from",
    pages: [
      ["guide/coming-from-pytorch", "PyTorch"],
      ["guide/coming-from-keras", "Keras"],
      ["guide/coming-from-tensorflowjs", "TensorFlow.js"],
      ["guide/coming-from-brainjs", "brain.js"],
    ],
  },
  {
    title: "Cells",
    rest: "cells",
    pages: [
      ["cells/rnn", "RNN"],
      ["cells/lstm", "LSTM"],
      ["cells/gru", "GRU"],
      ["cells/min-gru", "minGRU"],
      ["cells/min-lstm", "minLSTM"],
      ["cells/layer-norm-lstm", "LSTM with layer normalisation"],
      ["cells/your-own", "A cell of your own"],
    ],
  },
  {
    title: "Reference",
    rest: "reference",
    pages: ["reference/commands", "reference/errors", ["semantics", "Exact semantics"]],
  },
  {
    title: "Long memory",
    rest: "study",
    pages: ["guide/study", ["study/quick", "Results of the quick study"], ["study/battery", "Every task, ten seeds"]],
  },
  { title: "The project", rest: "", pages: [["architecture", "Architecture"], "state"] },
];

/** @type {readonly Group[]} */
export const chinese = [
  { title: "入门", pages: ["zh/guide/first-model", "zh/guide/concepts", "zh/guide/cells"] },
  {
    title: "指南",
    rest: "zh/guide",
    pages: [
      "zh/guide/text",
      "zh/guide/classify",
      "zh/guide/tag",
      "zh/guide/forecast",
      "zh/guide/your-data",
      "zh/guide/training",
      "zh/guide/runs",
      "zh/guide/serving",
      "zh/guide/look-inside",
      "zh/guide/speed",
      "zh/guide/threads",
      "zh/guide/inside",
    ],
  },
  { title: "其他软件的模型", pages: ["zh/guide/formats", "zh/guide/keras", "zh/guide/tensorflowjs"] },
  {
    title: "从别处迁移",
    pages: [
      ["zh/guide/coming-from-pytorch", "PyTorch"],
      ["zh/guide/coming-from-keras", "Keras"],
      ["zh/guide/coming-from-tensorflowjs", "TensorFlow.js"],
      ["zh/guide/coming-from-brainjs", "brain.js"],
    ],
  },
  {
    title: "各种单元的公式",
    rest: "zh/cells",
    pages: [
      ["zh/cells/rnn", "RNN"],
      ["zh/cells/lstm", "LSTM"],
      ["zh/cells/gru", "GRU"],
      ["zh/cells/min-gru", "minGRU"],
      ["zh/cells/min-lstm", "minLSTM"],
      ["zh/cells/layer-norm-lstm", "层归一化 LSTM"],
      ["zh/cells/your-own", "自己写的单元"],
    ],
  },
  {
    title: "参考",
    pages: [
      "zh/reference",
      ["reference/commands", "命令（英文）"],
      ["reference/errors", "错误码（英文）"],
      ["semantics", "精确语义（英文）"],
    ],
  },
  {
    title: "长期记忆",
    pages: [
      "zh/guide/study",
      ["study/quick", "快速试验的结果（英文）"],
      ["study/battery", "整套任务，十个种子（英文）"],
    ],
  },
  {
    title: "本项目（英文）",
    pages: [
      ["architecture", "架构"],
      ["state", "现状"],
    ],
  },
];

/** Folders of docs/ without pages: what builds the site, and what typedoc writes. */
const noPages = ["site", "api"];

/** Every Markdown file in docs/, as paths in it. */
export const markdownFiles = () =>
  readdirSync(docs, { withFileTypes: true })
    .filter(({ name }) => !noPages.includes(name))
    .flatMap((entry) => {
      if (!entry.isDirectory()) return [entry.name];
      const inside = readdirSync(join(docs, entry.name), { recursive: true, encoding: "utf8" });
      return inside.map((name) => `${entry.name}/${name.replaceAll("\\", "/")}`);
    })
    .filter((name) => name.endsWith(".md"))
    .sort();

/** Every page of the site, as paths in docs/ without `.md`. */
export const allPages = () =>
  markdownFiles()
    .filter((name) => !leftOut.includes(name))
    .map((name) => name.slice(0, -3));

/**
 * Where a change of language leads from a page that the other language has not: the address that would be its own, and the page that
 * stands for it.
 *
 * @returns {Record<string, string>}
 */
export function standIns() {
  const pages = allPages();
  const nearest = (/** @type {string} */ page) => {
    if (page.startsWith("zh/")) return [page.slice(3), "reference/commands"];
    return [`zh/${page}`, page.startsWith("reference/") ? "zh/reference" : "zh/index"];
  };
  return Object.fromEntries(pages.map(nearest).filter(([page]) => !pages.includes(page)));
}

const fileOf = (/** @type {string} */ page) => join(docs, `${page}.md`);

/** The first heading of a page. */
export const headingOf = (/** @type {string} */ page) =>
  /^# (.+)$/m.exec(readFileSync(fileOf(page), "utf8"))?.[1]?.replaceAll("`", "") ?? page;

const named = (/** @type {readonly Group[]} */ groups) =>
  groups.flatMap(({ pages }) => pages.map((page) => (typeof page === "string" ? page : page[0])));
const folderOf = (/** @type {string} */ page) => page.slice(0, Math.max(0, page.lastIndexOf("/")));

/** Pages that the lists above name and docs/ does not hold. */
export const missingPages = () => named([...english, ...chinese]).filter((page) => !existsSync(fileOf(page)));

/** The sidebar that VitePress draws from `groups`. */
export function sidebarOf(/** @type {readonly Group[]} */ groups) {
  const listed = new Set(named(groups));
  return groups.map(({ title, rest, pages }) => {
    const others = allPages().filter((page) => folderOf(page) === rest && !page.endsWith("index") && !listed.has(page));
    const items = [...pages, ...others].map((entry) => {
      const [page, name] = typeof entry === "string" ? [entry, headingOf(entry)] : entry;
      return { text: name, link: `/${page}` };
    });
    return { text: title, items };
  });
}

import { fileURLToPath } from "node:url";
import { chinese, english, leftOut, sidebarOf, standIns } from "../pages.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Words for the search: Chinese by the character, everything else by the word. Runs in the page too, so it stands alone. */
const tokenize = (text) => text.toLowerCase().match(/\p{Script=Han}|[^\s\p{P}\p{S}\p{Script=Han}]+/gu) ?? [];

const icon = encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#145ab4" d="M0 0h4v8H0z"/><path fill="#c5d6ec" d="M4 0h4v4H4z"/><path fill="#d9782d" d="M4 4h4v4H4z"/></svg>',
);

export default {
  srcDir: at("../.."),
  srcExclude: [...leftOut, "site/**", "api/**"],
  outDir: at("../dist"),
  cacheDir: at("../node_modules/.cache"),
  // Where the site will lie below its host: "/" or, for example, "/longshort/".
  base: process.env.DOCS_BASE ?? "/",
  title: "Longshort",
  description: "Train, run, explain and serve recurrent neural networks in Node.js and the browser.",
  cleanUrls: false,
  lastUpdated: false,
  head: [["link", { rel: "icon", href: `data:image/svg+xml,${icon}` }]],
  markdown: { theme: { light: "github-light", dark: "github-dark-dimmed" } },
  themeConfig: {
    // A change of language leads to the page of the same name; where there is none, the theme takes the page that stands for it.
    i18nRouting: true,
    standIns: standIns(),
    search: {
      provider: "local",
      options: {
        miniSearch: { options: { tokenize } },
        locales: {
          zh: {
            translations: {
              button: { buttonText: "搜索", buttonAriaLabel: "搜索" },
              modal: {
                noResultsText: "没有结果：",
                resetButtonTitle: "清除",
                displayDetails: "显示详情",
                footer: { selectText: "选择", navigateText: "切换", closeText: "关闭" },
              },
            },
          },
        },
      },
    },
  },
  locales: {
    root: {
      label: "English",
      lang: "en",
      themeConfig: {
        nav: [
          { text: "Guide", link: "/guide/first-model", activeMatch: "^/guide/(?!cells)" },
          { text: "Cells", link: "/guide/cells", activeMatch: "^/(cells/|guide/cells)" },
          { text: "Reference", link: "/reference/commands", activeMatch: "^/(reference/|semantics)" },
          { text: "API", link: "/api/index.html", target: "_self" },
        ],
        sidebar: sidebarOf(english),
        notFound: {
          title: "There is no such page",
          quote:
            "It may have been renamed: the search above looks through all pages, and their list is at the left of each.",
          linkText: "To the front page",
        },
        outline: { level: [2, 3] },
      },
    },
    zh: {
      label: "中文",
      lang: "zh-CN",
      description: "在 Node.js 和浏览器中训练、运行、解释和部署循环神经网络。",
      themeConfig: {
        nav: [
          { text: "指南", link: "/zh/guide/first-model", activeMatch: "^/zh/guide/(?!cells)" },
          { text: "单元", link: "/zh/guide/cells", activeMatch: "^/zh/(cells/|guide/cells)" },
          { text: "参考", link: "/zh/reference" },
          { text: "API", link: "/api/index.html", target: "_self" },
        ],
        sidebar: sidebarOf(chinese),
        notFound: {
          title: "没有这个页面",
          quote: "它也许改了名字：上面的搜索会查找所有页面，每一页的左边都有它们的目录。",
          linkText: "回到首页",
        },
        outline: { level: [2, 3], label: "本页目录" },
        docFooter: { prev: "上一页", next: "下一页" },
        darkModeSwitchLabel: "外观",
        lightModeSwitchTitle: "切换到浅色模式",
        darkModeSwitchTitle: "切换到深色模式",
        sidebarMenuLabel: "菜单",
        returnToTopLabel: "回到顶部",
        langMenuLabel: "语言",
        skipToContentLabel: "跳到正文",
      },
    },
  },
};

import { PAGE_STYLE } from "./page-style.ts";

export interface Page {
  /** Of the window. */
  readonly title: string;
  /** Of the page. */
  readonly heading: string;
  /** HTML below the heading. */
  readonly body: string;
  /** Text of a script, at the end. */
  readonly script: string;
  /** Rules besides those that all pages share. */
  readonly style: string;
}

/** One HTML file that loads nothing else, light or dark as its reader has it. */
export const htmlPage = ({ title, heading, body, script, style }: Page): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${PAGE_STYLE}${style}</style>
</head>
<body>
<main>
<header><p>Longshort</p><h1>${escaped(heading)}</h1></header>
${body}
</main>
<script>${script}</script>
</body>
</html>
`;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as HTML that shows it. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => ENTITIES[one]!);

/** Data inside a script, which a "<" could end. */
export const asScript = (data: unknown): string => JSON.stringify(data).replaceAll("<", "\\u003c");

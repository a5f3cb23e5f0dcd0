/** Where there are no elements (Node), modules of elements can be loaded all the same. */
export const ElementBase = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/** An element that tells of more than others do: its own events by name. */
export interface ElementWith<Events> extends HTMLElement {
  /** Hears of an event of this element. */
  addEventListener<K extends keyof Events>(
    type: K,
    listener: (event: Events[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Hears of an event that every element has. */
  addEventListener<K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (this: HTMLElement, event: HTMLElementEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Hears of any other event. */
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** The base of such an element: `class A extends (ElementBase as BaseWith<AEvents>)`. */
export type BaseWith<Events> = new () => ElementWith<Events>;

const sheets = new Map<string, CSSStyleSheet>();

/**
 * Gives the tree that an element stands in a style, once. It is no element of the page, so a policy against inline styles lets it
 * through; rules in `:where(…)` yield to whatever the page says.
 */
export function adoptStyle(element: Element, css: string): void {
  const root = element.getRootNode() as Document | ShadowRoot;
  let sheet = sheets.get(css);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    sheets.set(css, sheet);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

/** Registers an element under its name, once. */
export function defineOnce(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}

/** An element with a class, at the end of another one. */
export function appended<K extends keyof HTMLElementTagNameMap>(
  inside: Element,
  tag: K,
  kind: string,
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = kind;
  inside.append(element);
  return element;
}

/** What is thrown where a property is set to something else than it takes. */
export function wrongProperty(element: Element, property: string, expected: string, got: unknown, as = ""): TypeError {
  const name = element.localName ?? "element";
  const came =
    got === null
      ? "null"
      : Array.isArray(got)
        ? "an array"
        : typeof got === "string"
          ? JSON.stringify(got)
          : `${typeof got}`;
  return new TypeError(`<${name}> ${property}: expected ${expected}, got ${as || came}`);
}

/** Calls `repaint` whenever the page turns light or dark. @returns what ends it: a page holds on to whoever listens to it */
export function whenThemeChanges(repaint: () => void): () => void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", repaint);
  document.addEventListener("themechange", repaint);
  return () => {
    dark.removeEventListener("change", repaint);
    document.removeEventListener("themechange", repaint);
  };
}

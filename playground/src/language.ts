/** The two languages of the page. Every text stands in both, side by side where it is used. */
export type Language = "en" | "zh";

const stored = (): string | null => {
  try {
    return localStorage.getItem("language");
  } catch {
    return null;
  }
};

let current: Language = (stored() ?? navigator.language).startsWith("zh") ? "zh" : "en";

export const language = (): Language => current;

export function setLanguage(next: Language): void {
  current = next;
  document.documentElement.lang = next === "zh" ? "zh-Hans" : "en";
  try {
    localStorage.setItem("language", next);
  } catch {
    // Without storage the choice holds for this visit.
  }
}

/** The text in the language of the page. */
export const say = (en: string, zh: string): string => (current === "zh" ? zh : en);

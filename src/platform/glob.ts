/** Whether a path has what stands for several paths. */
export const isGlob = (pattern: string): boolean => /[*?[{]/.test(pattern);

/** The folder that every match of a pattern lies in: its part before the first word with a wildcard. */
export function folderOfGlob(pattern: string): string {
  const words = pattern.split("/");
  const plain = words.slice(0, words.findIndex(isGlob));
  return plain.length === 0 ? "." : plain.join("/") || "/";
}

/**
 * A pattern as an expression over whole paths: `*` and `?` stand for any characters but "/", `**` for any folders (none,
 * too), `[a-c]` for one of a set, `{a,b}` for either. Names that begin with "." are meant only by patterns that say so.
 */
export function globExpression(pattern: string): RegExp {
  let source = "";
  let open = 0;
  for (let at = 0; at < pattern.length; at++) {
    const rest = pattern.slice(at);
    const begins = at === 0 || pattern[at - 1] === "/";
    const set = /^\[([!^]?)([^\]/]+)\]/.exec(rest);
    if (begins && rest.startsWith("**/")) {
      source += "(?:(?!\\.)[^/]+/)*";
      at += 2;
    } else if (begins && rest === "**") {
      source += "(?:(?!\\.)[^/]+/)*(?!\\.)[^/]+";
      at += 1;
    } else if (pattern[at] === "*") source += `${begins ? "(?!\\.)" : ""}[^/]*`;
    else if (pattern[at] === "?") source += `${begins ? "(?!\\.)" : ""}[^/]`;
    else if (set) {
      source += `[${set[1] ? "^/" : ""}${set[2]!.replace(/[\\^]/g, "\\$&")}]`;
      at += set[0].length - 1;
    } else if (pattern[at] === "{" && rest.includes("}")) {
      source += "(?:";
      open++;
    } else if (pattern[at] === "}" && open > 0) {
      source += ")";
      open--;
    } else if (pattern[at] === "," && open > 0) source += "|";
    else source += pattern[at]!.replace(/[\\^$.+()[\]{}|*?/]/g, "\\$&");
  }
  return new RegExp(`^${source}$`, "u");
}

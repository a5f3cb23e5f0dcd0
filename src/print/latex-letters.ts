const greek = new Set(
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega".split(" "),
);

/** A name's letters: x, a Greek letter by its name, or upright for a word. */
function letters(name: string): string {
  if (/^[a-zA-Z]$/.test(name)) return name;
  return greek.has(name) ? `\\${name}` : `\\mathrm{${name}}`;
}

/** A name in its parts: base, what stands above and what below. Digits at the end stand below. */
export interface Symbol {
  readonly base: string;
  readonly above: string;
  readonly below: string;
}

/**
 * A name of a program as a symbol: `c2` is c₂, `gain_c` is gain with c below, `gain_x_i` is gain with x above and i below,
 * `cellState` is one upright word.
 */
export function symbol(name: string): Symbol {
  const [first, ...rest] = name.split("_").filter((part) => part !== "");
  const parts = /^([a-zA-Z]+?)(\d+)$/.exec(first ?? name);
  const base = letters(parts ? parts[1]! : (first ?? name));
  const all = [...rest, ...(parts ? [parts[2]!] : [])].map((p) => (/^\d+$/.test(p) ? p : letters(p)));
  return { base, above: all.length > 1 ? all[0]! : "", below: all.slice(all.length > 1 ? 1 : 0).join(",") };
}

/** A symbol as LaTeX. `time` (t, t−1) is written below, after what stands there. */
export function typeset({ base, above, below }: Symbol, time = ""): string {
  const under = [below, time].filter((part) => part !== "").join(",");
  const script = (mark: string, text: string): string =>
    text === "" ? "" : text.length === 1 ? `${mark}${text}` : `${mark}{${text}}`;
  return `${base}${above === "" ? "" : `^{${above}}`}${script("_", under)}`;
}

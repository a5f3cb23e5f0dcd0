/**
 * Reads the LaTeX of an expression back and computes it: an independent word on brackets and precedence. Knows what
 * src/print/latex.ts writes for pointwise operations, with variables of one letter.
 */
export function evaluateLatex(text: string, value: (name: string) => number): number {
  const tokens = text.match(/\\[a-zA-Z]+|\\\\|\\,|\d+(?:\.\d+)?|[a-z]|\S/g) ?? [];
  let at = 0;
  const peek = (): string => tokens[at] ?? "";
  const take = (expected?: string): string => {
    const token = peek();
    if (expected !== undefined && token !== expected) throw new Error(`expected ${expected}, got ${token} in ${text}`);
    at++;
    return token;
  };
  const group = (): number => {
    take("{");
    const v = sum();
    take("}");
    return v;
  };
  /** `{name}` as one word. */
  const word = (): string => {
    take("{");
    let name = "";
    while (peek() !== "}") name += take();
    take("}");
    return name;
  };
  const open = (): void => {
    if (peek() === "\\left") take();
    take("(");
  };
  const list = (): number[] => {
    open();
    const values = [sum()];
    while (peek() === ",") {
      take();
      values.push(sum());
    }
    if (peek() === "\\right") take();
    take(")");
    return values;
  };
  const condition = (): boolean => {
    const a = sum();
    const sign = take();
    const b = sum();
    return sign === "<" ? a < b : sign === "=" ? a === b : a <= b;
  };
  function cases(): number {
    let result: number | undefined;
    for (;;) {
      const v = sum();
      take("&");
      take("\\text");
      const otherwise = word() === "otherwise";
      if (otherwise || condition()) result ??= v;
      if (otherwise) break;
      take("\\\\");
    }
    take("\\end");
    word();
    return result!;
  }
  const bounds = (): [number, number] => {
    take("_");
    take("{");
    take("[");
    const low = sum();
    take(",");
    take("\\,");
    const high = sum();
    take("]");
    take("}");
    return [low, high];
  };
  function base(): number {
    const token = peek();
    if (token === "(" || token === "\\left") return list()[0]!;
    take();
    if (/^\d/.test(token)) return Number(token);
    if (token === "\\lvert") {
      const v = Math.abs(sum());
      take("\\rvert");
      return v;
    }
    if (token === "\\frac" || token === "\\tfrac") return group() / group();
    if (token === "\\sqrt") return Math.sqrt(group());
    if (token === "\\begin") {
      word();
      return cases();
    }
    if (token === "\\mathbb") {
      word();
      take("[");
      const holds = condition();
      take("]");
      return holds ? 1 : 0;
    }
    if (token === "\\pi") return Math.PI;
    if (token === "\\infty") return Number.POSITIVE_INFINITY;
    if (token === "\\mathrm") return word() === "NaN" ? Number.NaN : value(token);
    if (token === "\\tanh") return Math.tanh(list()[0]!);
    if (token === "\\ln") return Math.log(list()[0]!);
    if (token === "\\sigma") return 1 / (1 + Math.exp(-list()[0]!));
    if (token === "\\max") return Math.max(...list());
    if (token === "\\min") return Math.min(...list());
    if (token === "\\operatorname") {
      word();
      const [low, high] = bounds();
      return Math.min(high, Math.max(low, list()[0]!));
    }
    if (token === "e") return Math.E;
    if (/^[a-z]$/.test(token)) return value(token);
    throw new Error(`unknown ${token} in ${text}`);
  }
  function power(): number {
    const b = base();
    if (peek() !== "^") return b;
    take();
    return b ** group();
  }
  function times(): number {
    let v = power();
    while (["\\odot", "\\,", "\\cdot"].includes(peek())) {
      take();
      v *= power();
    }
    return v;
  }
  function sum(): number {
    let v = 0;
    if (peek() === "-") {
      take();
      v = -times(); // not 0 − …: that would lose the sign of a zero
    } else v = times();
    while (peek() === "+" || peek() === "-") v += take() === "-" ? -times() : times();
    return v;
  }
  const result = sum();
  if (at < tokens.length) throw new Error(`${peek()} is left over in ${text}`);
  return result;
}

const LINES = 3000;

/** Lines of a task whose answer lies far back. The same text for the same numbers. */
export function taskText(task: "recall" | "copy", lag: number): string {
  let seed = 7;
  const draw = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % n;
  };
  const line = (): string => {
    if (task === "recall") {
      const letter = "AB"[draw(2)]!;
      return `${letter}${".".repeat(1 + draw(lag))}?${letter}\n`;
    }
    const word = Array.from({ length: 1 + draw(Math.min(6, lag)) }, () => "abcd"[draw(4)]).join("");
    return `${word}>${word}\n`;
  };
  return Array.from({ length: LINES }, line).join("");
}

import { say } from "./language.ts";

/** What values of cells are called. */
export function gateWord(name: string): string {
  const words: Readonly<Record<string, string>> = {
    i: say("input gate", "输入门"),
    f: say("forget gate", "遗忘门"),
    g: say("candidate", "候选记忆"),
    o: say("output gate", "输出门"),
    c: say("cell state", "细胞状态"),
    h: say("hidden state", "隐藏状态"),
    r: say("reset gate", "重置门"),
    z: say("update gate", "更新门"),
    n: say("candidate", "候选状态"),
    a: say("activation", "激活值"),
  };
  return words[name] ?? "";
}

export const gateTitle = (name: string): string => `${name}  ${gateWord(name)}`;

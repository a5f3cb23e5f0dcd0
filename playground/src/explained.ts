import { MAX_MODEL_BYTES } from "longshort/worker";
import { say } from "./language.ts";

/** What an error of the library means here, in the language of the page; undefined where its own words have to do. */
function meaning(code: string): string | undefined {
  const megabytes = MAX_MODEL_BYTES / 2 ** 20;
  const known: Readonly<Record<string, () => string>> = {
    "unknown-format": () =>
      say(
        "This file is no model that can be read here: safetensors, PyTorch’s .pt, ONNX, Keras’ .keras and .h5.",
        "这个文件不是这里能读的模型。能读的有：safetensors、PyTorch 的 .pt、ONNX、Keras 的 .keras 和 .h5。",
      ),
    "unknown-network": () =>
      say(
        "It holds weights, but they do not say what network they are of.",
        "文件里有权重，但看不出它们属于什么样的网络。",
      ),
    "not-a-sequence-model": () =>
      say(
        "This is a model, but not one that reads one sequence step by step.",
        "这是个模型，但不是逐步读一条序列的模型。",
      ),
    "too-large": () =>
      say(
        `This file is larger than ${megabytes} MiB: too large for a page. Use Node or the command line.`,
        `文件超过 ${megabytes} MiB，网页里放不下，请改用 Node 或命令行。`,
      ),
    "trace-too-large": () =>
      say("That is too long for a model of this size: give fewer steps.", "对这么大的模型来说太长了，请少给几步。"),
    "no-tokens": () =>
      say("There is no character in this text that the model knows.", "这段文字里没有模型认识的字符。"),
    "text-empty": () => say("Give some text to learn from first.", "请先给一段要学的文字。"),
    "too-few-tokens": () =>
      say(
        "That is too little text for these settings: give more, or fewer steps.",
        "这点文字不够用：请多给一些，或者减少步数。",
      ),
    "bad-series": () => say("That is too short a series to learn from.", "这条序列太短，学不了。"),
    "reads-numbers": () => say("This model reads numbers, not text.", "这个模型读的是数字，不是文字。"),
    "bad-tokenizer": () => say("That is no tokenizer.json.", "这不是 tokenizer.json。"),
    "out-of-memory": () => say("There is not enough memory for it in this page.", "网页的内存不够。"),
    "no-simd": () =>
      say(
        "This browser has no SIMD in WebAssembly, with which networks are read and trained: take one of 2023 or later, or another computer.",
        "此浏览器的 WebAssembly 没有 SIMD，读取和训练网络都要用到它：请换用 2023 年以后的浏览器，或者换一台电脑。",
      ),
    "worker-failed": () =>
      say(
        "The worker in which models are computed broke down or was refused. Load the page again.",
        "计算模型的 worker 出了问题或被拒绝，请重新加载本页。",
      ),
  };
  if (DAMAGED.has(code))
    return say(
      "This file is damaged, cut short, or holds something else than weights.",
      "这个文件已损坏、不完整，或者装的不是权重。",
    );
  return known[code]?.();
}

/** What readers of files say of bytes that are not what they should be. */
const DAMAGED = new Set(["bad-zip", "bad-deflate", "bad-safetensors", "bad-pytorch", "bad-npy"]);

/** An error for people: what it means here, then the library's own words. */
export function explained(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  const here = code === undefined ? undefined : meaning(code);
  return here === undefined ? message : `${here} (${message})`;
}

import { html, nothing, type TemplateResult } from "lit";
import { takeAsked, tellAddress } from "../address.ts";
import { say } from "../language.ts";
import { chosen, nameOf, ofNumbers } from "../training/choice.ts";
import { controls } from "../training/controls-view.ts";
import { type Kept, live } from "../training/live.ts";
import { results } from "../training/results-view.ts";
import { choiceInAddress, keepChoice, restoreChoice, takeChoice } from "../training/stored-choice.ts";
import { Flow } from "../views/flow.ts";

const flow = new Flow();
restoreChoice();

export function trainingRoom(): TemplateResult {
  live.look();
  const asked = takeAsked();
  if (asked && !live.busy) {
    takeChoice(asked);
    keepChoice();
  }
  tellAddress("training", choiceInAddress());
  return html`<section class="room training">
    <header class="lead"><h1>${say("Training, live", "现场训练")}</h1>
      <p>${say(
        "Choose something to learn and watch it being learned: the loss falls, the samples begin to make sense, the gates take shape. It runs in a worker on this page; the model is yours to download and to open in Node.",
        "选一样东西让它学，看着它学会：损失下降，写出的样例渐渐像样，门也逐渐成形。训练就在本页的 worker 里进行，训练出的模型可以下载，拿到 Node 里打开。",
      )}</p></header>
    ${controls()}
    ${live.left && !live.busy ? leftView(live.left) : nothing}
    ${chosen.data === "adding" ? html`<p class="hint">${say("Of many numbers two are marked, and at the end their sum is asked for. Always to answer 1 has a squared error of 0.167.", "一串数里有两个打了标记，最后要说出它们的和。永远回答 1 的平方误差是 0.167。")}</p>` : nothing}
    ${player()}
    ${live.busy && !live.keeps ? html`<p class="note" role="status">${say("Another tab trains as well: what is learned here is not kept when this tab is closed.", "另一个标签页也在训练：关闭本标签页后，这里的训练不会保留。")}</p>` : nothing}
    ${live.error ? html`<p class="error" role="alert">${live.error}</p>` : nothing}
    ${results()}
    <section class="below"><div><h2>${say("How far back does a gradient reach?", "梯度能传回多远？")}</h2>
      <p>${say("Before any training, 24 units of each cell read noise. A gradient of length 1 is sent back from the last step; this is what is left of it.", "还没训练时，三种网络各用 24 个单元读一段噪声；从最后一步送回一个长度为 1 的梯度，看它还剩多少。")}</p>
      <p class="hint">${say("Clipping shortens a gradient that has exploded, all of it alike. It brings nothing back that has vanished: that takes a path on which c is only multiplied by the forget gate.", "裁剪只是把爆炸的梯度整体缩短，已经消失的部分救不回来；要救它，得靠 c 的那条通路：沿途只乘遗忘门。")}</p></div>
      ${flow.view()}
    </section>
  </section>`;
}

/** A training that an earlier visit left. */
function leftView(kept: Kept): TemplateResult {
  const { cell, hiddenSize } = kept.choice;
  const title = typeof cell === "string" ? nameOf(cell).toUpperCase() : say("your own cell", "自己写的单元");
  return html`<p class="note left" role="status">${say(
    `A training (${title}, ${hiddenSize} units) stood at step ${kept.step.toLocaleString("en")} when the page was closed.`,
    `上次关闭页面时，有一个训练（${title}，${hiddenSize} 个单元）进行到第 ${kept.step.toLocaleString("en")} 步。`,
  )} <button class="primary" @click=${() => live.goOn(kept)}>${say("Go on with it", "接着训练")}</button>
    <button class="quiet" @click=${() => live.forget()}>${say("Forget it", "不要了")}</button></p>`;
}

/** What can be done with the training, and where it is. */
function player(): TemplateResult {
  const { state, busy, facts, latest } = live;
  return html`<div class="player">
    ${state === "idle" ? html`<button class="primary" @click=${() => void live.start()}>▶ ${say("Train", "开始训练")}</button>` : nothing}
    ${state === "running" ? html`<button class="primary" @click=${() => void live.tell("pause", "paused")}>❚❚ ${say("Pause", "暂停")}</button>` : nothing}
    ${state === "paused" ? html`<button class="primary" @click=${() => void live.tell("resume", "running")}>▶ ${say("Go on", "继续")}</button><button @click=${() => void live.tell("step", "paused")}>▶▏ ${say("One step", "走一步")}</button>` : nothing}
    ${
      busy
        ? html`<button @click=${() => void live.tell("stop", "idle")}>■ ${say("Stop", "停止")}</button><button @click=${() => void live.download()}>↓ ${say("Download the model", "下载模型")}</button>
      <label>${say("Back to step", "回到第几步")} <select aria-label=${say("Back to step", "回到第几步")} @change=${goBack}><option value="">…</option>${latest?.checkpoints.map((s) => html`<option>${s}</option>`)}</select></label>`
        : nothing
    }
    ${facts ? html`<span class="figure"><b>${facts.parameters.toLocaleString("en")}</b> ${say("parameters", "个参数")}</span>` : nothing}
    ${latest ? html`<span class="figure" data-step=${latest.step}>${say("step", "第")} <b>${latest.step.toLocaleString("en")}</b>${say("", " 步")}</span><span class="figure"><b data-speed=${latest.itemsPerSecond}>${Math.round(latest.itemsPerSecond).toLocaleString("en")}</b> ${ofNumbers() ? say("steps a second", "步 / 秒") : say("characters a second", "字符 / 秒")}</span>` : nothing}
  </div>`;
}

function goBack(event: Event): void {
  const field = event.target as HTMLSelectElement;
  if (field.value !== "") void live.rewind(Number(field.value));
  field.value = "";
}

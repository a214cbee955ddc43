// The beginning of #general: what this page is, and what to try first.

import { upload } from "./api.js";
import { el } from "./dom.js";
import { language, say } from "./words.js";

const SAMPLE = { en: "handbook.pdf", fr: "manuel.pdf" }[language];

async function share(button, channel, attempt) {
  button.disabled = true;
  const response = await fetch(`/samples/${SAMPLE}`);
  const file = new File([await response.blob()], SAMPLE, { type: "application/pdf" });
  await attempt(upload([file], { channel_id: channel, initial_comment: "" }));
  button.disabled = false;
}

// `ask` sends a command; `attempt` shows what is refused.
export function welcome(channel, { ask, attempt }) {
  const button = (text, act) => el("button", { type: "button", onclick: (event) => act(event.currentTarget) }, text);
  return el(
    "li",
    { class: "welcome" },
    el("h2", {}, say("welcome")),
    el("p", {}, say("welcome_what")),
    el(
      "p",
      { class: "tries" },
      button(say("share_sample"), (pressed) => share(pressed, channel, attempt)),
      ...say("questions").map((question) => button(question, () => ask(`/ask ${question}`))),
    ),
  );
}

// One message to an element, with what one may do with it.

import { renderBlocks } from "./blocks.js";
import { el, unescape } from "./dom.js";
import { fileCard } from "./files.js";
import { icon } from "./icons.js";
import { markdown } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";
import { avatar, badges, nameOf } from "./names.js";
import { language, say } from "./words.js";

const TIME = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
const SHORTCUTS = ["summarize", "sentiment", "extract"];

export function when(ts) {
  return new Date(Number(ts) * 1000);
}

export function dayLine(ts) {
  const date = when(ts);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  return el("li", { class: "day", role: "separator" }, el("span", {}, days === 0 ? say("today") : days === 1 ? say("yesterday") : DAY.format(date)));
}

export function renderMessage(message, { me, inThread, act }) {
  if (["channel_join", "group_join"].includes(message.subtype)) {
    return el("li", { class: "note", "data-ts": message.ts }, avatar(message.user, "small"), mrkdwn(message.text));
  }
  if (message.subtype === "tombstone") return el("li", { class: "note", "data-ts": message.ts }, say("deleted"), threadLine(message, inThread, act));
  const streaming = message.streaming_state === "in_progress";
  const item = el(
    "li",
    { class: `message${message.is_ephemeral ? " ephemeral" : ""}${streaming ? " streaming" : ""}`, "data-ts": message.ts, tabindex: "-1" },
    avatar(message.user),
    el(
      "div",
      { class: "body" },
      message.is_ephemeral && el("div", { class: "only-you" }, icon("eye"), say("only_you")),
      el("div", { class: "head" }, el("strong", {}, nameOf(message.user)), badges(message.user), time(message.ts), edited(message)),
      el("div", { class: "content" }, contents(message, act)),
      streaming && el("button", { type: "button", class: "stop", onclick: () => act.stop(message) }, `■ ${say("stop")}`),
      message.files?.map((file) => fileCard(file, { me, act })),
      reactions(message),
      threadLine(message, inThread, act),
    ),
    message.is_ephemeral || streaming ? null : tools(message, { me, inThread, act }),
  );
  return item;
}

function time(ts) {
  return el("time", { datetime: when(ts).toISOString(), title: FULL.format(when(ts)) }, TIME.format(when(ts)));
}

function edited(message) {
  return message.edited && !message.bot_id ? el("span", { class: "edited" }, `(${say("edited")})`) : null;
}

function contents(message, act) {
  const press = (action_id, block_id, value) => act.press(message, action_id, block_id, value);
  if (message.blocks?.length) return renderBlocks(message.blocks, press);
  if (message.streaming_state) return el("div", { class: "md" }, markdown(message.text));
  return message.text ? el("div", { class: "text" }, mrkdwn(message.text)) : null;
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  const chips = message.reactions.map((found) => el("span", { class: "chip", title: found.users.map(nameOf).join(", ") }, mrkdwn(`:${found.name}:`), ` ${found.count}`));
  return el("div", { class: "reactions" }, chips);
}

function threadLine(message, inThread, act) {
  if (inThread) return null;
  const status = el("div", { class: "status", "data-thread": message.ts });
  if (!message.reply_count) return status;
  const words = message.reply_count === 1 ? say("one_reply") : `${message.reply_count} ${say("replies")}`;
  const faces = (message.reply_users ?? []).map((user) => avatar(user, "small"));
  return [el("button", { type: "button", class: "thread-line", onclick: () => act.open(message.ts) }, faces, words), status];
}

function tools(message, { me, inThread, act }) {
  const mine = message.user === me.id;
  const button = (sign, label, onclick, name) => el("button", { type: "button", title: label, "aria-label": label, onclick, "data-tool": name }, icon(sign));
  const more = el("details", { class: "more" }, el("summary", { title: say("more"), "aria-label": say("more") }, icon("more")));
  more.append(el("div", { class: "menu" }, SHORTCUTS.map((name) => el("button", { type: "button", onclick: () => { more.open = false; act.shortcut(message, name); } }, say(name)))));
  return el(
    "div",
    { class: "tools" },
    inThread ? null : button("reply", say("reply_in_thread"), () => act.open(message.thread_ts ?? message.ts), "reply"),
    mine && !message.files ? button("edit", say("edit"), () => act.edit(message), "edit") : null,
    mine ? button("bin", say("remove"), () => act.remove(message), "remove") : null,
    more,
  );
}

export function plainText(message) {
  return unescape(message.text ?? "");
}

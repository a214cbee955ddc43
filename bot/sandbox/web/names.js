// People and conversations by id: what they are called, and what they look like.

import { el } from "./dom.js";
import { say } from "./words.js";

export const users = new Map();
export const channels = new Map();

const COLOURS = ["#c05f3c", "#3d7a5f", "#5a6fb0", "#9a5a8f", "#b08a2e", "#4d8796"];

export function nameOf(id) {
  const user = users.get(id);
  return user ? user.real_name || user.name : id;
}

export function placeName(channel) {
  return channel.is_im ? nameOf(channel.user) : channel.name;
}

export function avatar(id, size = "") {
  const user = users.get(id);
  if (user?.is_bot) return el("img", { class: `avatar ${size}`, src: "/page/icon.svg", alt: "" });
  const number = [...id].reduce((sum, sign) => sum + sign.charCodeAt(0), 0);
  const face = el("span", { class: `avatar ${size}`, "aria-hidden": "true" }, nameOf(id).slice(0, 1).toUpperCase());
  face.style.background = COLOURS[number % COLOURS.length];
  return face;
}

export function mention(target, label) {
  const id = target.slice(1).split("^")[0];
  if (target[0] === "@") return el("span", { class: "mention" }, `@${users.has(id) ? users.get(id).name : (label ?? id)}`);
  if (target[0] === "#") return el("span", { class: "mention" }, `#${channels.get(id)?.name ?? label ?? id}`);
  return el("span", { class: "mention" }, `@${label ?? id}`);
}

export function badges(id) {
  const user = users.get(id);
  if (!user) return [];
  const found = [];
  if (user.is_bot) found.push(say("app"));
  if (user.is_restricted || user.is_ultra_restricted) found.push(say("guest"));
  if (user.team_id !== "T0SANDBOX1") found.push(say("outside"));
  return found.map((word) => el("span", { class: "badge" }, word));
}

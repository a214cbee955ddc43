// The page: which conversation is open, what is in it, and what happens when something happens.

import { call, enter, everything, listen, Refused, upload } from "./api.js";
import { confirmed, renderBlocks } from "./blocks.js";
import { fromSlack, makeComposer, toSlack } from "./composer.js";
import { el } from "./dom.js";
import { openById } from "./files.js";
import { icon } from "./icons.js";
import { dayLine, plainText, renderMessage, when } from "./message.js";
import { avatar, channels, nameOf, placeName, users } from "./names.js";
import { welcome } from "./welcome.js";
import { language, say } from "./words.js";

const $ = (id) => document.getElementById(id);
const EXPECTED_MS = 600000; // a slow machine may take its time
const PEOPLE = ["alice", "bob", "carol", "guest", "dana"];
const state = { me: null, place: null, thread: null, messages: new Map(), replies: new Map(), unread: new Set(), statuses: new Map(), expects: 0, drawn: new Map() };

const act = {
  open: (ts) => openThread(ts),
  stop: (message) => attempt(call("chat.stop", { channel: state.place.id, thread_ts: message.thread_ts ?? message.ts })),
  press: (message, action_id, block_id, value) => attempt(call("chat.press", { channel: state.place.id, ts: message.ts, action_id, block_id, value })),
  shortcut: (message, callback_id) => attempt(call("chat.shortcut", { channel: state.place.id, ts: message.ts, callback_id })),
  edit: (message) => (message.thread_ts && message.thread_ts !== message.ts ? replyComposer : composer).edit(message, fromSlack(plainText(message))),
  remove: async (message) => {
    if (await confirmed({ text: { text: say("sure") } })) await attempt(call("chat.delete", { channel: state.place.id, ts: message.ts }));
  },
  removeFile: async (file) => {
    if (await confirmed({ text: { text: `${say("remove_file")}: ${file.name}` } })) await attempt(call("files.delete", { file: file.id }));
  },
};

const composer = makeComposer({ inThread: false, submit: (what) => submit(what, null) });
const replyComposer = makeComposer({ inThread: true, submit: (what) => submit(what, state.thread) });

// Beginning.

async function begin() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  $("main").append(composer.form);
  $("thread").append(replyComposer.form);
  const wanted = new URLSearchParams(location.search).get("as") ?? sessionStorage.getItem("person") ?? "alice";
  await comeIn(wanted).catch(() => comeIn("alice"));
}

async function comeIn(name) {
  enter(name);
  const { user_id } = await call("auth.test");
  sessionStorage.setItem("person", name);
  state.unread.clear();
  state.place = null;
  closeThread();
  await listen(hear, connected); // before any list is asked for, so that nothing falls in between
  await learn();
  state.me = users.get(user_id);
  const people = [...users.values()].filter((user) => !user.is_bot && !user.deleted && user.id !== "USLACKBOT");
  people.sort((one, other) => PEOPLE.indexOf(one.name) - PEOPLE.indexOf(other.name));
  $("person").replaceChildren(...people.map((user) => el("option", { value: user.name, selected: user.id === user_id }, user.real_name)));
  await followAddress();
}

// What happened while the line was broken is not told again.
async function connected(open) {
  document.body.classList.toggle("offline", !open);
  if (!open || !state.place) return;
  await learn();
  await refresh();
}

function learn() {
  return holding(loadPlaces);
}

async function loadPlaces() {
  const [people, places] = await Promise.all([
    everything("users.list", "members"),
    everything("conversations.list", "channels", { types: "public_channel,private_channel,im", exclude_archived: true }),
  ]);
  users.clear();
  channels.clear();
  for (const user of people) users.set(user.id, user);
  for (const place of places) channels.set(place.id, place);
  drawPlaces();
}

async function followAddress() {
  const [, kind, one, two] = location.pathname.split("/");
  const thread = new URLSearchParams(location.search).get("thread_ts");
  if (kind === "archives" && channels.has(one)) {
    const ts = `${two.slice(1, -6)}.${two.slice(-6)}`;
    await openPlace(one);
    return openThread(thread ?? ts);
  }
  if (kind === "files") attempt(openById(two, location.hash));
  const last = location.hash.slice(1) || sessionStorage.getItem("place");
  await openPlace(channels.has(last) ? last : [...channels.values()].find((place) => place.is_member)?.id ?? [...channels.keys()][0]);
}

// Places.

function drawPlaces() {
  document.body.classList.toggle("has-unread", state.unread.size > 0);
  const sorted = [...channels.values()].filter((place) => place.is_im || place.is_member);
  const group = (word, places) => [
    el("h2", {}, say(word)),
    el("ul", {}, places.map((place) => el("li", {}, placeButton(place)))),
  ];
  $("places").replaceChildren(...group("channels", sorted.filter((place) => !place.is_im)), ...group("direct", sorted.filter((place) => place.is_im)));
}

function placeButton(place) {
  const sign = place.is_im ? avatar(place.user, "small") : el("span", { class: "hash", "aria-hidden": "true" }, place.is_private ? icon("lock") : "#");
  const open = state.place?.id === place.id;
  return el(
    "button",
    { type: "button", "data-place": place.id, "aria-current": open ? "page" : null, class: state.unread.has(place.id) ? "unread" : null, onclick: () => openPlace(place.id) },
    sign,
    placeName(place),
    place.is_ext_shared && el("span", { class: "badge", title: say("outside") }, "⇄"),
  );
}

// In a narrow window the places lie over the conversation.
function showPlaces(shown) {
  document.body.classList.toggle("with-places", shown);
  $("menu").setAttribute("aria-expanded", String(shown));
}

async function openPlace(id) {
  if (!channels.has(id)) return;
  state.place = channels.get(id);
  state.unread.delete(id);
  showPlaces(false);
  sessionStorage.setItem("place", id);
  history.replaceState(null, "", `/#${id}`);
  closeThread();
  drawPlaces();
  const { place } = state;
  $("title").textContent = `${place.is_im || place.is_private ? "" : "# "}${placeName(place)}`;
  if (place.is_private) $("title").prepend(icon("lock"), " ");
  $("purpose").textContent = place.is_im ? "" : (place.purpose?.value ?? "");
  const withApp = place.is_im && users.get(place.user)?.is_bot;
  $("home").hidden = !withApp;
  composer.text.placeholder = `${say("write")} ${place.is_im ? nameOf(place.user) : `#${place.name}`}`;
  document.title = `${placeName(place)} – Lantern`;
  if (withApp) call("chat.home", { tab: "messages" }).catch(() => {});
  await refresh();
  composer.text.focus();
}

function refresh() {
  return holding(loadPlace);
}

async function loadPlace() {
  const channel = state.place.id;
  const [history_, private_, manners] = await Promise.all([
    call("conversations.history", { channel, limit: 200 }),
    call("chat.ephemerals", { channel }),
    call("assistant.statuses", { channel }),
  ]);
  if (channel !== state.place?.id) return;
  state.messages = new Map([...history_.messages, ...private_.messages.filter((message) => !message.thread_ts)].map((message) => [message.ts, message]));
  state.statuses = new Map(manners.statuses.map((status) => [status.thread_ts, status]));
  drawLog();
  drawPrompts(manners.prompts ?? []);
  if (state.thread) await holding(loadThread);
}

// Drawing: whole lists when a place opens, single messages when they change.

function drawLog() {
  draw($("log"), state.messages, false);
  toEnd($("log"));
  if (!state.messages.size) $("log").append(el("li", { class: "empty" }, say(state.place?.is_im ? "empty_direct" : "empty")));
  drawStatuses();
}

function draw(log, messages, inThread) {
  const items = [];
  let day = "";
  for (const message of [...messages.values()].sort((one, other) => (one.ts < other.ts ? -1 : 1))) {
    if (day !== (day = when(message.ts).toDateString()) && !inThread) items.push(dayLine(message.ts));
    items.push(renderMessage(message, { me: state.me, inThread, act }));
  }
  log.replaceChildren(...introduction(inThread), ...items);
}

function introduction(inThread) {
  if (inThread || !state.place?.is_general) return [];
  return [welcome(state.place.id, { ask: (said) => submit({ said, files: [] }, null).catch(() => {}), attempt })];
}

function drawOne(log, messages, message, inThread) {
  const known = log.querySelector(`:scope > [data-ts="${CSS.escape(message.ts)}"]`);
  const follows = message.user === state.me.id || isAtEnd(log);
  const last = [...messages.keys()].reduce((one, other) => (one > other ? one : other), "");
  messages.set(message.ts, message);
  if (known) known.replaceWith(renderMessage(message, { me: state.me, inThread, act }));
  else if (last && last < message.ts && when(last).toDateString() === when(message.ts).toDateString()) log.append(renderMessage(message, { me: state.me, inThread, act }));
  else draw(log, messages, inThread);
  if (follows) toEnd(log);
}

// Whoever has scrolled up to read is left there.
function isAtEnd(log, grown = 0) {
  return log.scrollHeight - log.scrollTop - log.clientHeight < grown + 120;
}

function toEnd(log) {
  log.scrollTop = log.scrollHeight;
}

function later(key, work) {
  if (!state.drawn.has(key)) requestAnimationFrame(() => {
    const last = state.drawn.get(key);
    state.drawn.delete(key);
    last();
  });
  state.drawn.set(key, work);
}

function drawStatuses() {
  const following = [$("log"), $("replies")].filter((log) => isAtEnd(log));
  for (const place of document.querySelectorAll("#log .status")) place.replaceChildren(...statusLine(place.dataset.thread));
  const line = statusLine(state.thread);
  $("replies").querySelector(":scope > .status")?.remove();
  if (state.thread && line.length) $("replies").append(el("li", { class: "status" }, line));
  following.forEach(toEnd);
}

function statusLine(thread) {
  const status = state.statuses.get(thread);
  if (!status?.status) return [];
  const bot = [...users.values()].find((user) => user.is_bot);
  return [el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), `${bot?.real_name ?? ""} ${status.status}`];
}

function drawPrompts(prompts) {
  $("prompts").replaceChildren(
    ...prompts.map((prompt) => el("button", { type: "button", onclick: () => submit({ said: prompt.message ?? prompt.title, files: [] }, null) }, prompt.title)),
  );
}

// Threads.

async function openThread(ts) {
  await showThread(ts);
  replyComposer.text.focus();
}

async function showThread(ts) {
  state.thread = ts;
  $("thread").hidden = false;
  document.body.classList.add("with-thread");
  await holding(loadThread);
}

// Whoever has just asked sees the answer coming, without losing what is being written.
function openExpected(ts) {
  if (Date.now() - state.expects > EXPECTED_MS || state.thread === ts) return;
  state.expects = 0;
  showThread(ts);
}

async function loadThread() {
  const { thread, place } = state;
  const [answer, private_] = await Promise.all([
    attempt(call("conversations.replies", { channel: place.id, ts: thread, limit: 1000 })),
    call("chat.ephemerals", { channel: place.id }),
  ]);
  if (!answer || thread !== state.thread) return;
  const root = answer.messages[0].ts;
  state.thread = root;
  const own = private_.messages.filter((message) => message.thread_ts === root);
  state.replies = new Map([...answer.messages, ...own].map((message) => [message.ts, message]));
  draw($("replies"), state.replies, true);
  toEnd($("replies"));
  drawStatuses();
}

function closeThread() {
  state.thread = null;
  $("thread").hidden = true;
  document.body.classList.remove("with-thread");
}

// What one does.

async function submit({ said, files, editing }, thread) {
  const channel = state.place.id;
  const command = !thread && !files.length && !editing && /^(\/[\w-]+)(?:\s+([\s\S]*))?$/.exec(said);
  state.expects = Date.now();
  try {
    if (editing) await call("chat.update", { channel, ts: editing.ts, text: toSlack(said) });
    else if (command) await call("chat.command", { channel, command: command[1], text: command[2] ?? "" });
    else if (files.length) await upload(files, { channel_id: channel, initial_comment: toSlack(said), ...(thread && { thread_ts: thread }) });
    else await call("chat.postMessage", { channel, text: toSlack(said), ...(thread && { thread_ts: thread }) });
  } catch (error) {
    toast(error);
    throw error;
  }
}

async function attempt(promise) {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error);
    return null;
  }
}

function toast(error) {
  const note = el("p", {}, `${say("failed")}: ${say(error.message)}`);
  $("toasts").append(note);
  setTimeout(() => note.remove(), 6000);
}

// What happens.

const HEAR = {
  message({ channel, message }) {
    if (channel !== state.place?.id) {
      if (message.user !== state.me.id && Date.now() / 1000 - Number(message.ts) < 60) unread(channel);
      return;
    }
    const root = message.thread_ts ?? message.ts;
    if (root === message.ts || message.subtype === "thread_broadcast") later(`m${message.ts}`, () => { drawOne($("log"), state.messages, message, false); drawStatuses(); });
    if (root === state.thread) later(`r${message.ts}`, () => { drawOne($("replies"), state.replies, message, true); drawStatuses(); });
    else if (message.bot_id && root !== message.ts) openExpected(root);
  },
  deleted({ channel, ts }) {
    if (channel !== state.place?.id) return;
    state.messages.delete(ts);
    state.replies.delete(ts);
    for (const item of document.querySelectorAll(`[data-ts="${CSS.escape(ts)}"]`)) item.remove();
    if (ts === state.thread) closeThread();
  },
  ephemeral({ channel, message }) {
    if (channel !== state.place?.id) return unread(channel);
    if (message.thread_ts && message.thread_ts === state.thread) drawOne($("replies"), state.replies, message, true);
    else if (!message.thread_ts) drawOne($("log"), state.messages, message, false);
    drawStatuses();
  },
  ephemeral_gone({ channel, ts }) {
    HEAR.deleted({ channel, ts });
  },
  status({ channel, thread_ts, status }) {
    if (channel !== state.place?.id) return;
    state.statuses.set(thread_ts, { status });
    drawStatuses();
    if (status) openExpected(thread_ts);
  },
  prompts({ channel, prompts }) {
    if (channel === state.place?.id) drawPrompts(prompts);
  },
  home({ view }) {
    const open = document.querySelector("dialog.home .view");
    if (open) open.replaceChildren(...homeBlocks(view));
  },
  view({ view }) {
    showView(view);
  },
  async channels() {
    await learn();
    if (state.place && !channels.has(state.place.id)) await openPlace([...channels.keys()][0]);
  },
};

// A list shows how things stood when it was asked for; news that overtake it wait until it is drawn.
const held = { lists: 0, news: [] };

function hear(note) {
  if (held.lists) held.news.push(note);
  else HEAR[note.type]?.(note);
}

async function holding(load) {
  held.lists += 1;
  try {
    return await load();
  } finally {
    held.lists -= 1;
    if (!held.lists) held.news.splice(0).forEach(hear);
  }
}

function unread(channel) {
  state.unread.add(channel);
  drawPlaces();
}

// The app's Home and modals.

function homeBlocks(view) {
  return view ? renderBlocks(view.blocks, (action_id) => attempt(call("views.press", { action_id }))) : [el("p", { class: "empty" }, say("nothing_home"))];
}

async function showHome() {
  const { view } = await call("views.home");
  const dialog = el("dialog", { class: "home" }, el("div", { class: "view" }, homeBlocks(view)), el("form", { method: "dialog" }, el("button", {}, "×")));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  call("chat.home", { tab: "home" }).catch(() => {});
}

function showView(view) {
  document.querySelector("dialog.modal")?.remove();
  const form = el("form", { method: "dialog" }, renderBlocks(view.blocks, () => {}));
  form.append(el("button", { value: "close", formnovalidate: true }, view.close?.text ?? "×"));
  if (view.submit) form.append(el("button", { value: "submit", class: "primary" }, view.submit.text));
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value !== "submit") return;
    attempt(call("views.submit", { view_id: view.id, values: Object.fromEntries(new FormData(form)) }));
  });
  const dialog = el("dialog", { class: "modal" }, el("h3", {}, view.title?.text), form);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}

// Hands: mouse, keyboard, files.

$("person").addEventListener("change", (event) => comeIn(event.target.value).then(() => showPlaces(false)));
$("close").addEventListener("click", closeThread);
$("menu").addEventListener("click", () => showPlaces(true));
$("home").addEventListener("click", showHome);
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#side, #menu")) showPlaces(false);
  for (const menu of document.querySelectorAll("details.more[open]")) if (!menu.contains(event.target)) menu.open = false;
  const anchor = event.target.closest?.("a[href]");
  if (!anchor || new URL(anchor.href).origin !== location.origin) return;
  const [, kind, one, two] = new URL(anchor.href).pathname.split("/");
  if (!["files", "archives"].includes(kind)) return;
  event.preventDefault();
  if (kind === "files") attempt(openById(two, new URL(anchor.href).hash));
  else openPlace(one).then(() => openThread(new URL(anchor.href).searchParams.get("thread_ts") ?? `${two.slice(1, -6)}.${two.slice(-6)}`));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("with-places")) showPlaces(false);
  else if (event.key === "Escape" && state.thread) closeThread();
  else if (event.altKey && ["ArrowDown", "ArrowUp"].includes(event.key)) step(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "/" && document.activeElement === document.body) composer.text.focus();
  else return;
  event.preventDefault();
});

function step(by) {
  const ids = [...document.querySelectorAll("[data-place]")].map((button) => button.dataset.place);
  openPlace(ids[(ids.indexOf(state.place.id) + by + ids.length) % ids.length]);
}

for (const log of [$("log"), $("replies")]) {
  log.addEventListener("load", ({ target }) => isAtEnd(log, target.height) && toEnd(log), true); // a picture has come
}

for (const [pane, target] of [["main", composer], ["thread", replyComposer]]) {
  const area = $(pane);
  area.dataset.drop = say("files_here");
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("dropping");
  });
  area.addEventListener("dragleave", (event) => area.contains(event.relatedTarget) || area.classList.remove("dropping"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("dropping");
    target.addFiles(event.dataTransfer.files);
  });
}

begin();

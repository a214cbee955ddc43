// Where one writes: text, files, slash commands with suggestions, mentions.

import { el, escape } from "./dom.js";
import { icon } from "./icons.js";
import { users } from "./names.js";
import { COMMANDS, say } from "./words.js";

export function makeComposer({ inThread, submit, cancelEdit }) {
  const text = el("textarea", { rows: 1, "aria-label": say(inThread ? "reply" : "write"), placeholder: say(inThread ? "reply" : "write"), "aria-autocomplete": "list" });
  const list = el("ul", { class: "suggestions", role: "listbox", hidden: true });
  const chosen = el("div", { class: "chosen" });
  const picker = el("input", { type: "file", multiple: true, hidden: true });
  const attach = el("button", { type: "button", title: say("attach"), "aria-label": say("attach"), onclick: () => picker.click() }, icon("plus"));
  const send = el("button", { class: "send", title: say("send"), "aria-label": say("send") }, icon("send"));
  const form = el("form", { class: "composer" }, list, chosen, el("div", { class: "row" }, attach, text, send), picker);
  const state = { files: [], editing: null, at: 0, found: [] };

  function addFiles(files) {
    state.files.push(...files);
    chosen.replaceChildren(...state.files.map((file, n) => chip(file, n)));
    text.focus();
  }

  function chip(file, n) {
    const away = () => {
      state.files.splice(n, 1);
      addFiles([]);
    };
    return el("span", { class: "chip" }, file.name, el("button", { type: "button", "aria-label": say("remove"), onclick: away }, "×"));
  }

  function grow() {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight, 200)}px`;
  }

  function suggest() {
    const before = text.value.slice(0, text.selectionStart);
    const command = !inThread && /^\/[\w-]*$/.exec(before);
    const person = /(?:^|\s)@([\w-]*)$/.exec(before);
    if (command) show(COMMANDS.filter(({ name }) => name.startsWith(before)).map(({ name, about }) => ({ from: 0, put: `${name} `, name, about })));
    else if (person) show(matching(person[1]).map((user) => ({ from: before.length - person[1].length - 1, put: `@${user.name} `, name: `@${user.name}`, about: user.real_name })));
    else show([]);
  }

  function show(found) {
    state.found = found;
    state.at = 0;
    list.hidden = !found.length;
    list.replaceChildren(...found.map(({ name, about }, n) => el("li", { role: "option", "aria-selected": String(n === 0), onmousedown: (event) => { event.preventDefault(); take(n); } }, el("strong", {}, name), el("span", {}, about))));
  }

  function move(step) {
    state.at = (state.at + step + state.found.length) % state.found.length;
    [...list.children].forEach((item, n) => item.setAttribute("aria-selected", String(n === state.at)));
  }

  function take(n) {
    const { from, put } = state.found[n];
    const rest = text.value.slice(text.selectionStart);
    text.value = text.value.slice(0, from) + put + rest;
    text.selectionStart = text.selectionEnd = from + put.length;
    show([]);
  }

  async function go() {
    const said = text.value.trim();
    if ((!said && !state.files.length) || form.classList.contains("busy")) return;
    form.classList.add("busy");
    const { files, editing } = state;
    text.value = "";
    Object.assign(state, { files: [], editing: null });
    form.classList.remove("editing");
    chosen.replaceChildren();
    show([]);
    grow();
    try {
      await submit({ said, files, editing });
    } catch (error) {
      text.value = said;
      addFiles(files);
    } finally {
      form.classList.remove("busy");
      text.focus();
    }
  }

  text.addEventListener("input", () => {
    grow();
    suggest();
  });
  text.addEventListener("keydown", (event) => {
    const open = !list.hidden;
    if (event.isComposing) return;
    if (open && ["ArrowDown", "ArrowUp"].includes(event.key)) move(event.key === "ArrowDown" ? 1 : -1);
    else if (open && (event.key === "Tab" || (event.key === "Enter" && state.found[state.at].put.trim() !== text.value.trim()))) take(state.at);
    else if (open && event.key === "Escape") show([]);
    else if (state.editing && event.key === "Escape") leaveEdit();
    else if (event.key === "Enter" && !event.shiftKey) go();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  text.addEventListener("paste", (event) => event.clipboardData.files.length && addFiles(event.clipboardData.files));
  picker.addEventListener("change", () => {
    addFiles(picker.files);
    picker.value = "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go();
  });

  function leaveEdit() {
    state.editing = null;
    form.classList.remove("editing");
    text.value = "";
    grow();
    cancelEdit?.();
  }

  function edit(message, value) {
    state.editing = message;
    form.classList.add("editing");
    text.value = value;
    grow();
    text.focus();
  }

  return { form, text, addFiles, edit };
}

function matching(start) {
  return [...users.values()].filter((user) => user.id !== "USLACKBOT" && !user.deleted && user.name.startsWith(start.toLowerCase())).slice(0, 6);
}

export function toSlack(said) {
  const byName = new Map([...users.values()].map((user) => [user.name, user.id]));
  return escape(said).replace(/(^|[\s(])@([\w.-]*\w)/g, (whole, before, name) => (byName.has(name) ? `${before}<@${byName.get(name)}>` : whole));
}

export function fromSlack(text) {
  return text.replace(/<@(\w+)(?:\|[^>]*)?>/g, (whole, id) => (users.has(id) ? `@${users.get(id).name}` : whole));
}

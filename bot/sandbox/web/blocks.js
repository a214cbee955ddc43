// Block Kit to elements; `press` is told which element was pressed.

import { call, content } from "./api.js";
import { el, unescape } from "./dom.js";
import { icon } from "./icons.js";
import { markdown } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";
import { say } from "./words.js";

const TASK_SIGNS = { pending: "○", in_progress: "", complete: "✓", error: "!" };

export function renderBlocks(blocks, press) {
  return blocks.map((block) => (RENDER[block.type] ?? unknown)(block, press)).flat();
}

const RENDER = {
  section: (block, press) =>
    el(
      "div",
      { class: "section" },
      el(
        "div",
        { class: "grow" },
        block.text && text(block.text),
        block.fields && el("div", { class: "fields" }, block.fields.map((field) => text(field))),
      ),
      block.accessory && element(block.accessory, block, press),
    ),
  markdown: (block) => el("div", { class: "md" }, markdown(block.text)),
  header: (block) => el("h3", {}, block.text.text),
  divider: () => el("hr"),
  context: (block, press) => el("div", { class: "context" }, block.elements.map((part) => (part.type === "image" ? picture(part) : text(part)))),
  actions: (block, press) => el("div", { class: "actions" }, block.elements.map((part) => element(part, block, press))),
  context_actions: (block, press) => el("div", { class: "feedback" }, block.elements.map((part) => feedback(part, block, press)).flat()),
  image: (block) => el("figure", {}, block.title && el("figcaption", {}, block.title.text), picture(block)),
  task_card: (block) =>
    el("div", { class: `task-card ${block.status}` }, el("span", { class: "sign", "aria-hidden": "true" }, TASK_SIGNS[block.status]), block.title),
  input: (block) => el("fieldset", { class: "section", "data-block": block.block_id }, el("legend", {}, block.label?.text), choice(block)),
  table: (block) => el("div", { class: "table" }, el("table", {}, (block.rows ?? []).map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell.text ?? "")))))),
};

function unknown() {
  return [];
}

function text(object) {
  if (object.type === "plain_text") return el("div", { class: "text" }, unescape(object.text));
  return el("div", { class: "text" }, mrkdwn(object.text));
}

function element(part, block, press) {
  if (part.type === "image") return picture(part);
  if (part.type !== "button") return null;
  const button = el("button", { type: "button", class: part.style ?? "", "data-action": part.action_id }, part.text.text);
  button.addEventListener("click", async () => {
    if (part.confirm && !(await confirmed(part.confirm))) return;
    button.disabled = true;
    await press(part.action_id, block.block_id);
    button.disabled = false;
  });
  return button;
}

function choice({ block_id, element: { type, options = [], initial_option } }) {
  const chosen = initial_option?.value;
  if (type === "static_select") {
    return el("select", { name: block_id }, options.map(({ value, text }) => el("option", { value, selected: value === chosen }, text.text)));
  }
  return options.map(({ value, text }) =>
    el("label", {}, el("input", { type: "radio", name: block_id, value, checked: value === chosen, required: true }), " ", text.text),
  );
}

function feedback(part, block, press) {
  if (part.type !== "feedback_buttons") return [];
  const made = [["positive_button", "up"], ["negative_button", "down"]].map(([name, sign]) => {
    const label = part[name].accessibility_label ?? part[name].text.text;
    return el("button", { type: "button", title: part[name].text.text, "aria-label": label, "aria-pressed": "false", "data-action": part.action_id }, icon(sign));
  });
  for (const [n, button] of made.entries()) {
    button.addEventListener("click", () => {
      made.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      press(part.action_id, block.block_id, part[n ? "negative_button" : "positive_button"].value);
    });
  }
  return made;
}

function picture(block) {
  const image = el("img", { alt: block.alt_text ?? "", class: "picture" });
  ownPicture(block).then((blob) => blob && (image.src = URL.createObjectURL(blob)), () => {});
  return image;
}

async function ownPicture(block) {
  if (block.slack_file?.id) return content((await call("files.info", { file: block.slack_file.id })).file);
  const url = block.slack_file?.url ?? block.image_url ?? "";
  return url.startsWith(`${location.origin}/`) ? content({ url_private: url }) : null; // elsewhere an address could carry a secret away
}

export function confirmed({ title, text: body, confirm, deny }) {
  const dialog = el(
    "dialog",
    {},
    title && el("h3", {}, title.text),
    el("p", {}, body.type === "mrkdwn" ? mrkdwn(body.text) : body.text),
    el(
      "form",
      { method: "dialog" },
      el("button", { value: "no" }, deny?.text ?? say("no")),
      el("button", { value: "yes", class: "primary", autofocus: true }, confirm?.text ?? say("yes")),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((decide) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      decide(dialog.returnValue === "yes");
    });
  });
}

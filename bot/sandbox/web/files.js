// Files as cards and pictures; opened in a tab of their own where that is harmless.

import { call, content } from "./api.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./words.js";

const SHOWN = { pdf: "application/pdf", png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", txt: "text/plain", md: "text/plain", csv: "text/plain" };

export function fileCard(file, { me, act }) {
  if (file.mode === "tombstone") return el("div", { class: "file gone" }, say("gone"));
  const picture = ["png", "jpg", "jpeg", "gif", "webp"].includes(file.filetype);
  const open = el(
    "button",
    { type: "button", class: "file", onclick: () => openFile(file), "data-file": file.id },
    el("span", { class: `kind ${file.filetype}`, "aria-hidden": "true" }, file.filetype.slice(0, 4).toUpperCase()),
    el("span", { class: "about" }, el("strong", {}, file.name), el("small", {}, `${file.pretty_type} · ${size(file.size)}`)),
  );
  const bin = file.user === me.id && el("button", { type: "button", class: "bin", title: say("remove_file"), "aria-label": say("remove_file"), onclick: () => act.removeFile(file) }, icon("bin"));
  if (!picture) return el("div", { class: "file-row" }, open, bin);
  const image = el("img", { class: "picture", alt: file.alt_txt || file.name, "data-file": file.id });
  content(file).then((blob) => (image.src = URL.createObjectURL(blob)), () => {});
  return el("div", { class: "file-row tall" }, image, open, bin);
}

export async function openFile(file, hash = "") {
  const type = SHOWN[file.filetype];
  const blob = await content(file);
  const url = URL.createObjectURL(new Blob([blob], { type: type ?? "application/octet-stream" })); // never as a web page: it would be ours
  if (type) window.open(url + hash, "_blank", "noopener");
  else el("a", { href: url, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

export async function openById(id, hash = "") {
  const { file } = await call("files.info", { file: id });
  await openFile(file, hash);
}

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

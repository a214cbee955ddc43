// Markdown as Slack's markdown blocks take it, to elements.

import { el, link, unescape } from "./dom.js";
import { mention } from "./names.js";

const INLINE = /\\([\\`*_{}[\]()#+\-.!~|<>&])|(`+)([\s\S]+?)\2(?!`)|!?\[((?:\\.|[^[\]\\]|\[[^\]]*\])*)\]\(<?([^()\s<>]+(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+"[^"]*")?\)|<([@#!][^<>\s]*|https?:\/\/[^<>\s]+)>|\*\*(\S(?:[\s\S]*?\S)?)\*\*|(?<![\p{L}\p{N}_])__(\S(?:[\s\S]*?\S)?)__(?![\p{L}\p{N}_])|\*(\S(?:[^*]*?[^\s*])?)\*|(?<![\p{L}\p{N}_])_(\S(?:[^_]*?\S)?)_(?![\p{L}\p{N}_])|~~(\S(?:[\s\S]*?\S)?)~~/u;
const DEEPEST = 20; // quotes and lists within each other
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^ {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/;
const FENCE = /^\s*(```+|~~~+)\s*(\S*)/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function markdown(text) {
  return blocks(text.replaceAll("\r", "").split("\n"));
}

function blocks(lines, depth = 0) {
  if (depth > DEEPEST) return [el("p", {}, unescape(lines.join("\n")))];
  const made = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    let next;
    if (!line.trim()) next = at + 1;
    else if (FENCE.test(line)) next = fence(lines, at, made);
    else if (/^#{1,6}\s/.test(line)) next = heading(line, at, made);
    else if (RULE.test(line)) next = made.push(el("hr")) && at + 1;
    else if (isQuote(line)) next = quote(lines, at, made, depth);
    else if (ITEM.test(line)) next = list(lines, at, made, depth);
    else if (line.includes("|") && DIVIDER.test(lines[at + 1] ?? "") && lines[at + 1].includes("-")) next = table(lines, at, made);
    else next = paragraph(lines, at, made);
    at = next;
  }
  return made;
}

const isQuote = (line) => /^\s*(?:>|&gt;)/.test(line);

function startsBlock(line) {
  return !line.trim() || FENCE.test(line) || /^#{1,6}\s/.test(line) || RULE.test(line) || isQuote(line) || ITEM.test(line);
}

function fence(lines, at, made) {
  const mark = FENCE.exec(lines[at])[1];
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(mark)) end += 1;
  made.push(el("pre", {}, el("code", {}, unescape(lines.slice(at + 1, end).join("\n")))));
  return end + 1;
}

function heading(line, at, made) {
  made.push(el("h4", {}, inline(line.replace(/^#+\s+/, "").replace(/\s#+\s*$/, ""))));
  return at + 1;
}

function quote(lines, at, made, depth) {
  let end = at;
  while (end < lines.length && isQuote(lines[end])) end += 1;
  made.push(el("blockquote", {}, blocks(lines.slice(at, end).map((line) => line.replace(/^\s*(?:>|&gt;) ?/, "")), depth + 1)));
  return end;
}

function list(lines, at, made, depth) {
  const [, indent, mark] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(mark);
  const root = el(ordered ? "ol" : "ul", ordered && parseInt(mark) !== 1 ? { start: parseInt(mark) } : {});
  while (at < lines.length) {
    const item = ITEM.exec(lines[at]);
    if (!item || item[1].length < indent.length || /\d/.test(item[2]) !== ordered) break;
    const inner = [item[3]];
    at += 1;
    while (at < lines.length && belongs(lines, at, indent.length)) {
      inner.push(lines[at].replace(new RegExp(`^\\s{0,${indent.length + item[2].length + 1}}`), ""));
      at += 1;
    }
    root.append(listItem(inner, depth));
  }
  made.push(root);
  return at;
}

function belongs(lines, at, indent) {
  const line = lines[at];
  const depth = /^\s*/.exec(line)[0].length;
  if (!line.trim()) return Boolean(lines[at + 1]?.trim()) && /^\s*/.exec(lines[at + 1])[0].length > indent;
  return depth > indent || !startsBlock(line);
}

function listItem(lines, depth) {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(lines[0]);
  if (task) lines[0] = task[2];
  const nested = lines.findIndex((line, n) => n && startsBlock(line));
  const own = nested < 0 ? lines : lines.slice(0, nested);
  const box = task && el("input", { type: "checkbox", disabled: true, checked: task[1] !== " " });
  return el("li", { class: task ? "task" : null }, box, inline(own.join("\n")), nested < 0 ? [] : blocks(lines.slice(nested), depth + 1));
}

function table(lines, at, made) {
  const head = cells(lines[at]);
  const sides = cells(lines[at + 1]).map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : "left"));
  const row = (line, tag) => el("tr", {}, cells(line).slice(0, head.length).map((cell, n) => el(tag, { class: sides[n] }, inline(cell))));
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) end += 1;
  const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
  made.push(el("div", { class: "table" }, el("table", {}, el("thead", {}, row(lines[at], "th")), el("tbody", {}, body))));
  return end;
}

function cells(line) {
  return line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/).map((cell) => cell.trim());
}

function paragraph(lines, at, made) {
  let end = at + 1;
  while (end < lines.length && !startsBlock(lines[end])) end += 1;
  made.push(el("p", {}, inline(lines.slice(at, end).join("\n"))));
  return end;
}

function inline(text) {
  const found = INLINE.exec(text);
  if (!found) return text ? [unescape(text)] : [];
  const before = text.slice(0, found.index);
  const rest = inline(text.slice(found.index + found[0].length));
  return [...(before ? [unescape(before)] : []), node(found), ...rest];
}

function node([whole, escaped, , code, label, url, angle, bold, bold2, italic, italic2, strike]) {
  if (escaped !== undefined) return escaped;
  if (code !== undefined) return el("code", {}, unescape(code.trim() || code));
  if (label !== undefined) return link(unescape(url), inline(label));
  if (angle !== undefined) return "@#!".includes(angle[0]) ? mention(...angle.split("|")) : link(unescape(angle), unescape(angle));
  if (bold ?? bold2) return el("strong", {}, inline(bold ?? bold2));
  if (italic ?? italic2) return el("em", {}, inline(italic ?? italic2));
  if (strike !== undefined) return el("s", {}, inline(strike));
  return whole;
}

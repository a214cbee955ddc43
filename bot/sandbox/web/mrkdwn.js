// Slack's own notation to elements.

import { el, link, unescape } from "./dom.js";
import { mention } from "./names.js";

const EMOJI = {
  white_check_mark: "✅", warning: "⚠️", x: "❌", eyes: "👀", hourglass: "⌛", page_facing_up: "📄", books: "📚", mag: "🔍", bulb: "💡",
  tada: "🎉", wave: "👋", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", heart: "❤️", smile: "😄", pray: "🙏", rocket: "🚀",
};
const INLINE = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|(?<![\p{L}\p{N}*])\*(\S(?:[^*\n]*\S)?)\*(?![\p{L}\p{N}*])|(?<![\p{L}\p{N}_])_(\S(?:[^_\n]*\S)?)_(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}~])~(\S(?:[^~\n]*\S)?)~(?![\p{L}\p{N}~])|:([a-z0-9_+-]+):/u;

export function mrkdwn(text) {
  const lines = [];
  let quote = [];
  const flush = () => {
    if (quote.length) lines.push(el("blockquote", {}, inline(quote.join("\n"))));
    quote = [];
  };
  for (const part of text.split(/(```[\s\S]+?```)/)) {
    if (part.startsWith("```") && part.length > 6) {
      flush();
      lines.push(...inline(part));
      continue;
    }
    for (const [n, line] of part.split("\n").entries()) {
      const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
      if (quoted) {
        quote.push(quoted[1]);
        continue;
      }
      const wasQuote = quote.length > 0;
      flush();
      if (n && !wasQuote) lines.push("\n");
      lines.push(...inline(line));
    }
  }
  flush();
  return lines;
}

function inline(text) {
  const found = INLINE.exec(text);
  if (!found) return text ? [unescape(text)] : [];
  const before = text.slice(0, found.index);
  const after = text.slice(found.index + found[0].length);
  return [...(before ? [unescape(before)] : []), ...node(found), ...inline(after)];
}

function node([whole, pre, code, angle, bold, italic, strike, emoji]) {
  if (pre !== undefined) return [el("pre", {}, el("code", {}, unescape(pre.replace(/^\n/, ""))))];
  if (code !== undefined) return [el("code", {}, unescape(code))];
  if (angle !== undefined) return [special(angle)];
  if (bold !== undefined) return [el("strong", {}, inline(bold))];
  if (italic !== undefined) return [el("em", {}, inline(italic))];
  if (strike !== undefined) return [el("s", {}, inline(strike))];
  return [Object.hasOwn(EMOJI, emoji) ? EMOJI[emoji] : whole];
}

function special(body) {
  const [target, label] = body.split("|");
  if ("@#!".includes(target[0])) return mention(target, label);
  return link(unescape(target), unescape(label ?? target));
}

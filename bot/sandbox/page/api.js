// The Web API, as any client of Slack uses it, and the line on which news come.

let token = "";

export class Refused extends Error {}

export function enter(name) {
  token = `xoxp-${name}`;
}

export async function call(method, body = {}) {
  const response = await fetch(`/api/${method}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json; charset=utf-8" },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({ ok: false, error: `http_${response.status}` }));
  if (!answer.ok) throw new Refused(answer.error);
  return answer;
}

export async function everything(method, field, body = {}) {
  const found = [];
  let cursor = "";
  do {
    const page = await call(method, { limit: 200, ...body, ...(cursor && { cursor }) });
    found.push(...page[field]);
    cursor = page.response_metadata?.next_cursor ?? "";
  } while (cursor);
  return found;
}

export async function upload(files, place) {
  const entries = [];
  for (const file of files) {
    const { upload_url, file_id } = await call("files.getUploadURLExternal", { filename: file.name, length: file.size });
    const sent = await fetch(new URL(upload_url).pathname, { method: "POST", body: file });
    if (!sent.ok) throw new Refused("upload_failed");
    entries.push({ id: file_id, title: file.name });
  }
  await call("files.completeUploadExternal", { files: entries, ...place });
}

export async function content(file) {
  const response = await fetch(new URL(file.url_private).pathname, { headers: { Authorization: `Bearer ${token}` } });
  const type = response.headers.get("Content-Type") ?? "";
  if (!response.ok || (type.startsWith("text/html") && file.filetype !== "html")) throw new Refused("file_not_found");
  return response.blob();
}

export function listen(hear, changed) {
  const mine = token;
  const socket = new WebSocket(`ws://${location.host}/live?token=${encodeURIComponent(mine)}`);
  socket.addEventListener("message", (event) => mine === token && hear(JSON.parse(event.data)));
  socket.addEventListener("open", () => mine === token && changed(true));
  socket.addEventListener("close", () => {
    if (mine !== token) return;
    changed(false);
    setTimeout(() => mine === token && listen(hear, changed), 1000);
  });
  return socket;
}

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
    if (!sent.ok) throw new Refused(sent.status === 507 ? "disk_full" : "upload_failed");
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

let line = null;

// Open the line anew whenever it breaks; resolve when it is open for the first time.
export function listen(hear, changed) {
  line?.close();
  return new Promise((resolve) => connect(hear, (open) => {
    changed(open);
    if (open) resolve();
  }));
}

function connect(hear, changed) {
  const mine = new WebSocket(`ws://${location.host}/live?token=${encodeURIComponent(token)}`);
  line = mine;
  mine.addEventListener("message", (event) => mine === line && hear(JSON.parse(event.data)));
  mine.addEventListener("open", () => mine === line && changed(true));
  mine.addEventListener("close", () => {
    if (mine !== line) return;
    changed(false);
    setTimeout(() => mine === line && connect(hear, changed), 1000);
  });
}

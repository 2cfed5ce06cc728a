// A receiver of sealpost's webhooks: Node.js 18 or newer, no packages.
//
//   HOOK_SECRET=… INBOX=inbox PORT=8080 node receiver.mjs
//
// While a secret is rotated, HOOK_SECRET holds the old and the new one, separated by a space.
import { createHash, createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const TOLERANCE = 5 * 60; // seconds that a request may be old, or ahead
const LIMIT = 2 * 1024 * 1024; // bytes of a body

const inbox = process.env.INBOX ?? "inbox";
const keys = (process.env.HOOK_SECRET ?? "").split(/\s+/).filter(Boolean).map(keyOf);
if (keys.length === 0) throw new Error("HOOK_SECRET is empty: nothing could be verified");
mkdirSync(inbox, { recursive: true, mode: 0o700 });

// keyOf: the text itself is the key, all 64 characters; after whsec_ it is base64.
function keyOf(secret) {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret, "utf8");
  if (key.length === 0) throw new Error("a secret in HOOK_SECRET is empty");
  return key;
}

// same takes as long for any two texts of one length.
function same(a, b) {
  const x = Buffer.from(a), y = Buffer.from(b);
  return x.length === y.length && timingSafeEqual(x, y);
}

// verify says what is wrong with a request, or nothing. Body must be the bytes as they came, not what a JSON parser made of them.
function verify(headers, body, now) {
  const id = headers["webhook-id"] ?? "", at = headers["webhook-timestamp"] ?? "";
  const offered = (headers["webhook-signature"] ?? "").split(" ").filter((s) => s.startsWith("v1,"));
  const plain = headers["signature"] ?? "";
  if (!id || !/^\d{1,12}$/.test(at) || offered.length === 0 || !plain) return "a signature header is missing";
  const hmac = (key, encoding, ...parts) => parts.reduce((h, part) => h.update(part), createHmac("sha256", key)).digest(encoding);
  if (!keys.some((key) => same(hmac(key, "hex", body), plain))) return "the header Signature does not fit";
  if (!keys.some((key) => offered.some((s) => same("v1," + hmac(key, "base64", `${id}.${at}.`, body), s)))) return "the header webhook-signature does not fit";
  if (Math.abs(now - Number(at)) > TOLERANCE) return "too old, or from the future";
}

// store keeps an event under its id, once: a second one with that id finds the name taken. Work on what is in the inbox afterwards,
// so that the answer does not wait for it.
function store(id, body) {
  const temporary = join(inbox, `.${randomUUID()}`);
  const file = openSync(temporary, "wx", 0o600);
  try {
    for (let written = 0; written < body.length; ) written += writeSync(file, body, written);
    fsyncSync(file);
    linkSync(temporary, join(inbox, createHash("sha256").update(id).digest("hex") + ".json"));
  } catch (error) {
    if (error.code !== "EEXIST") throw error; // EEXIST: a duplicate, which was stored before
  } finally {
    closeSync(file);
    unlinkSync(temporary);
  }
}

async function receive(request, answer) {
  if (request.method !== "POST") return answer(405);
  if (Number(request.headers["content-length"]) > LIMIT) return answer(413);
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    if ((size += chunk.length) > LIMIT) return request.destroy(); // more than it said, or it said nothing
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const wrong = verify(request.headers, body, Date.now() / 1000);
  if (wrong) return answer(401, wrong);
  store(request.headers["webhook-id"], body);
  answer(204);
}

createServer({ requestTimeout: 30_000 }, (request, response) => {
  const answer = (status, text = "") => response.writeHead(status).end(text);
  receive(request, answer).catch((error) => {
    console.error(error); // not stored, so not 2xx: it will be sent again
    answer(500);
  });
}).listen(Number(process.env.PORT ?? 8080), "127.0.0.1", function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});

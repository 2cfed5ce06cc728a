// Signs with the libraries for sealpost, and verifies with them what sealpost signed.
//
//   node both.js sign    SECRET ID SECONDS <body     prints one webhook-signature a library
//   node both.js verify  SECRET ID SECONDS SIGNATURE <body     exits 1 when a library refuses it
//
// The libraries take base64, with or without whsec_ in front.
import { readFileSync } from "node:fs";
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";

const [what, secret, id, seconds, signature] = process.argv.slice(2);
const body = readFileSync(0, "utf8");
const at = new Date(Number(seconds) * 1000);
for (const [name, Library] of [["standardwebhooks", Standard], ["svix", Svix]]) {
  const webhook = new Library(secret);
  if (what === "sign") {
    console.log(webhook.sign(id, at, body));
    continue;
  }
  const headers = { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signature };
  try {
    webhook.verify(body, headers);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exit(1);
  }
}

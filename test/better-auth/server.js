// A server that is not sealpost: better-auth itself, with /api/webhook as far as
// telling who is signed in. `sealpost login` has to get along with it.
//
//   node server.js 1.6|1.7
//
// It prints its URL, and ends when standard input does.
import { createServer } from "node:http";
import { verifyMessage } from "viem";
import { generateSiweNonce } from "viem/siwe";

const [version] = process.argv.slice(2);
const { betterAuth } = await import(`better-auth-${version}`);
const { memoryAdapter } = await import(`better-auth-${version}/adapters/memory`);
const { organization, siwe } = await import(`better-auth-${version}/plugins`);
const { fromNodeHeaders, toNodeHandler } = await import(`better-auth-${version}/node`);

let answer;
const server = createServer((request, response) => answer(request, response));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const baseURL = `http://127.0.0.1:${server.address().port}`;

const tables = ["user", "session", "account", "verification", "walletAddress", "organization", "member", "invitation"];
const auth = betterAuth({
  baseURL, secret: "only-for-this-test-0123456789abcdef", telemetry: { enabled: false }, rateLimit: { enabled: false },
  database: memoryAdapter(Object.fromEntries(tables.map((name) => [name, []]))),
  plugins: [organization(), siwe({
    domain: "app.example.com", emailDomainName: "example.com",
    getNonce: async () => generateSiweNonce(),
    verifyMessage: async ({ message, signature, address }) => verifyMessage({ address, message, signature }),
  })],
});
const signIn = toNodeHandler(auth);
answer = async (request, response) => {
  if (request.url.startsWith("/api/auth/")) return signIn(request, response);
  const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  response.writeHead(session ? 200 : 401, { "content-type": "application/json" });
  response.end(JSON.stringify(session ? { [session.user.name.toLowerCase()]: { url: "https://receiver.example.com/" } } : { code: "unauthorized" }));
};
console.log(baseURL);
process.stdin.resume().on("end", () => process.exit(0));

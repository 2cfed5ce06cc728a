// What a user of better-auth and viem writes: sign in with a wallet, make an
// organization, invite somebody, and look after webhooks with the session.
//
//   node user.js 1.6|1.7 http://127.0.0.1:8080 app.example.com https://receiver.example.com/hook
//
// that is: the version, the server, its sign-in domain, and a URL to receive at.
//
// The same calls go to both versions; the one difference is that 1.6 names the
// wallet when it asks for a nonce and when it signs in, and 1.7 doesn't.
import assert from "node:assert/strict";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { createSiweMessage } from "viem/siwe";

const [version, baseURL, domain, url] = process.argv.slice(2);
const { createAuthClient } = await import(`better-auth-${version}/client`);
const { organizationClient, siweClient } = await import(`better-auth-${version}/client/plugins`);
const chainId = 1;

const client = createAuthClient({ baseURL, plugins: [siweClient(), organizationClient()] });

// data returns what a call brought, and throws what it complained about.
function data(answer) {
  if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
  return answer.data;
}

// signIn returns the header that stands for the wallet's session: the cookie,
// handed back as it was set.
async function signIn(account, extra = {}) {
  const who = version === "1.6" ? { walletAddress: account.address, chainId } : undefined;
  const { nonce } = data(await client.siwe.nonce(who));
  const message = createSiweMessage({
    address: account.address, chainId, domain, nonce, uri: baseURL, version: "1",
    statement: "Sign in to look after webhooks.",
  });
  const signature = await account.signMessage({ message });
  const headers = {};
  const { user, success } = data(await client.siwe.verify({ message, signature, ...who, ...extra }, {
    onSuccess: ({ response }) => { headers.cookie = response.headers.get("set-cookie"); },
  }));
  assert.equal(success, true);
  assert.deepEqual([user.walletAddress, user.chainId], [account.address, chainId]);
  assert.match(headers.cookie, /^better-auth\.session_token=[^;,]+; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/);

  const replayed = await client.siwe.verify({ message, signature, ...who });
  assert.equal(replayed.error.status, 401);
  assert.equal(replayed.error.code, "UNAUTHORIZED_INVALID_OR_EXPIRED_NONCE");
  return { fetchOptions: { headers } };
}

// api calls sealpost's own routes with a session.
async function api(session, method, path, body) {
  const response = await fetch(baseURL + path, {
    method, body: body && JSON.stringify(body),
    headers: { ...session?.fetchOptions.headers, ...(body && { "content-type": "application/json" }) },
  });
  return [response.status, await response.json()];
}

const owner = privateKeyToAccount(generatePrivateKey());
const friend = privateKeyToAccount(generatePrivateKey());
const slug = `acme-${owner.address.slice(2, 12).toLowerCase()}`;

assert.equal((await client.getSession()).data, null);

// Signed in, and still without an organization.
const first = await signIn(owner);
const me = data(await client.getSession(first));
assert.equal(me.user.name, owner.address);
assert.ok(me.session.expiresAt instanceof Date && me.session.expiresAt > new Date());
assert.deepEqual(data(await client.organization.list(first)), []);
assert.deepEqual((await api(first, "GET", "/api/webhook"))[1].code, "no organization");

const organization = data(await client.organization.create({ name: "Acme", slug, ...first }));
assert.equal(organization.members[0].role, "owner");
assert.equal((await client.organization.create({ name: "Acme", slug, ...first })).error.code, "ORGANIZATION_ALREADY_EXISTS");
assert.deepEqual(data(await client.organization.list(first)).map((o) => o.id), [organization.id]);
assert.equal(data(await client.getSession(first)).session.activeOrganizationId, organization.id);

// The friend goes by the address that is derived from the wallet.
const second = await signIn(friend);
const { email } = data(await client.getSession(second)).user;
const invitation = data(await client.organization.inviteMember({ email, role: "admin", organizationId: organization.id, ...first }));
assert.equal(invitation.status, "pending");
const stolen = await client.organization.acceptInvitation({ invitationId: invitation.id, ...first });
assert.equal(stolen.error.code, "YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION");
const accepted = data(await client.organization.acceptInvitation({ invitationId: invitation.id, ...second }));
assert.deepEqual([accepted.member.role, accepted.invitation.status], ["admin", "accepted"]);
const again = await client.organization.acceptInvitation({ invitationId: invitation.id, ...second });
assert.equal(again.error.code, "INVITATION_NOT_FOUND");

const may = async (permissions, session) => data(await client.organization.hasPermission({ permissions, ...session })).success;
assert.equal(await may({ webhook: ["create", "delete"] }, second), true);
assert.equal(await may({ organization: ["delete"] }, second), false);
assert.equal(await may({ organization: ["delete"] }, first), true);

// A third wallet signs in with an address of its own and is invited by it.
const third = await signIn(privateKeyToAccount(generatePrivateKey()), { email: "Third@Example.com" });
const plain = data(await client.organization.inviteMember({ email: "third@example.com", role: "member", ...second }));
data(await client.organization.acceptInvitation({ invitationId: plain.id, ...third }));
assert.equal(await may({ webhook: ["create"] }, third), false);

// Webhooks, by the friend; the owner sees them, the member may not.
const [created, orders] = await api(second, "POST", "/api/webhook/orders", { url, transaction: { created: `${url}/created` } });
assert.equal(created, 201, JSON.stringify(orders));
assert.match(orders.secret, /^[0-9a-f]{64}$/);
assert.deepEqual(await api(first, "GET", "/api/webhook/orders"), [200, { url, transaction: { created: `${url}/created` } }]);
assert.deepEqual((await api(third, "GET", "/api/webhook"))[1].code, "no permission");
const [patched, changed] = await api(second, "PATCH", "/api/webhook/orders", { url: `${url}/2`, transaction: { created: null } });
assert.deepEqual([patched, changed], [200, { name: "orders", url: `${url}/2` }]);
assert.deepEqual(await api(first, "GET", "/api/webhook"), [200, { orders: { url: `${url}/2` } }]);
assert.deepEqual(await api(second, "DELETE", "/api/webhook/orders"), [200, { code: "ok" }]);
assert.deepEqual(await api(first, "GET", "/api/webhook"), [200, {}]);

// Signed out, the cookie is worth nothing.
assert.equal(data(await client.signOut(first)).success, true);
assert.equal((await client.getSession(first)).data, null);
assert.deepEqual((await api(first, "GET", "/api/webhook"))[0], 401);
assert.equal((await client.organization.list(first)).error.code, "UNAUTHORIZED");
console.log(`better-auth ${version}: done`);

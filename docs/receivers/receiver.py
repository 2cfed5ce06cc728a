"""A receiver of sealpost's webhooks: Python 3.9 or newer, no packages.

    HOOK_SECRET=… INBOX=inbox PORT=8080 python3 receiver.py

While a secret is rotated, HOOK_SECRET holds the old and the new one, separated by a space.
"""

import base64
import hashlib
import hmac
import os
import re
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60  # seconds that a request may be old, or ahead
LIMIT = 2 * 1024 * 1024  # bytes of a body


def key_of(secret):
    """The text itself is the key, all 64 characters; after whsec_ it is base64."""
    key = base64.b64decode(secret[6:], validate=True) if secret.startswith("whsec_") else secret.encode()
    if not key:
        raise SystemExit("a secret in HOOK_SECRET is empty")
    return key


INBOX = os.environ.get("INBOX", "inbox")
KEYS = [key_of(secret) for secret in os.environ.get("HOOK_SECRET", "").split()]
if not KEYS:
    raise SystemExit("HOOK_SECRET is empty: nothing could be verified")
os.makedirs(INBOX, mode=0o700, exist_ok=True)


def same(a, b):
    """Takes as long for any two texts of one length."""
    return hmac.compare_digest(a.encode("latin-1"), b.encode("latin-1"))


def verify(headers, body, now):
    """Says what is wrong with a request, or None. The body must be the bytes as they came, not what a JSON parser made of them."""
    event, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    offered = [s for s in headers.get("webhook-signature", "").split(" ") if s.startswith("v1,")]
    plain = headers.get("signature", "")
    if not event or not re.fullmatch("[0-9]{1,12}", at) or not offered or not plain:
        return "a signature header is missing"
    if not any(same(hmac.new(key, body, hashlib.sha256).hexdigest(), plain) for key in KEYS):
        return "the header Signature does not fit"
    message = f"{event}.{at}.".encode("latin-1") + body
    expected = ["v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode() for key in KEYS]
    if not any(same(one, s) for one in expected for s in offered):
        return "the header webhook-signature does not fit"
    if abs(now - int(at)) > TOLERANCE:
        return "too old, or from the future"
    return None


def store(event, body):
    """Keeps an event under its id, once: a second one with that id finds the name taken. Work on what is in the inbox afterwards,
    so that the answer does not wait for it."""
    with tempfile.NamedTemporaryFile(dir=INBOX, prefix=".") as temporary:
        temporary.write(body)
        temporary.flush()
        os.fsync(temporary.fileno())
        try:
            os.link(temporary.name, os.path.join(INBOX, hashlib.sha256(event.encode("latin-1")).hexdigest() + ".json"))
        except FileExistsError:
            pass  # a duplicate, which was stored before


class Receiver(BaseHTTPRequestHandler):
    timeout = 30  # seconds without a byte

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,12}", length):
            return self.answer(411)
        if int(length) > LIMIT:
            return self.answer(413)
        body = self.rfile.read(int(length))
        wrong = verify(self.headers, body, time.time())
        if wrong:
            return self.answer(401, wrong)
        try:
            store(self.headers["webhook-id"], body)
        except OSError as error:
            self.log_error("%s", error)  # not stored, so not 2xx: it will be sent again
            return self.answer(500)
        return self.answer(204)

    def answer(self, status, text=""):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()

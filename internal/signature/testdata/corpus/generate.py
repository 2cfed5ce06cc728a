"""Writes cases.jsonl: requests that went wrong, made by the real programs.

    python3 generate.py

It needs node, ruby, php, jq, go, bash, dash, zsh, awk, perl, curl, openssl and iconv; on Debian
apt-get install nodejs ruby php-cli jq dash zsh gawk perl curl openssl. The tests read cases.jsonl
alone. HMACs come from Python's hmac, so nothing of the package under test makes its own cases.
"""
import base64, hashlib, hmac, html, http.server, json, pathlib, subprocess, tempfile, threading, urllib.parse, unicodedata, os, zlib, gzip

here = pathlib.Path(__file__).parent
SECRET = "f00dfacecafebeef0123456789abcdeff00dfacecafebeef0123456789abcdef"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT = "evt_7Q2m9", "1767608430"
JSON = ["body_keys", "body_numbers", "body_empty_objects", "body_unescaped", "body_escaped_html", "body_escaped_unicode", "body_escaped_slashes",
        "body_compact", "body_spaced", "body_indented", "body_dates", "body_nulls", "body_types", "body_members", "body_strings", "body_rewritten"]

def event(body, stamp="2026-01-05T10:20:30.123Z", resource="transaction", action="created", receipt=None):
    e = {"id": ID, "timestamp": stamp, "resource": resource, "action": action}
    if receipt: e["receipt"] = receipt
    e["body"] = body
    return json.dumps(e, ensure_ascii=False, separators=(",", ":"))

spend = {"amount": 1250, "currency": "usd", "cardId": "card_1", "localAmount": 1190, "localCurrency": "eur", "merchantName": "Café Zürich", "merchantCategoryCode": "5812", "status": "pending"}
EVENTS = [
    event({"id": "tx_1", "type": "spend", "spend": spend}),
    event({"id": "tx_2", "amount": 2500, "currency": "usd"}, stamp="2026-01-05T10:20:30.120Z"),
    event({"url": "https://example.com/a/b?x=1&y=2", "html": "<b>O'Neil & \"Söhne\"</b>", "price": 19.5}),
    event({"id": "card_1", "last4": "4242", "limit": {"amount": 100000, "frequency": "per24HourPeriod"}, "status": "ACTIVE"}, resource="card", action="updated"),
    event({"name": "東京 Zoë 😀", "none": None, "ok": True, "list": [1, 2, 3], "empty": {}}, stamp="2026-01-05T10:20:30.500Z"),
    event({"id": "tx_3", "type": "spend", "spend": {"amount": -300, "note": "line\nbreak\tand tab"}}, action="completed", receipt={"blockNumber": 97, "transactionHash": "0xabc"}),
]
ASCII = [e for e in EVENTS if e.isascii()]
WIDE = [e for e in EVENTS if not e.isascii()]
cases = []

def mac(key, *parts, algorithm="sha256"):
    return hmac.new(key, b"".join(p if isinstance(p, bytes) else p.encode() for p in parts), algorithm).digest()

def key_of(secret):
    return base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()

def headers(body, secret=SECRET, which="both"):
    body = body if isinstance(body, bytes) else body.encode()
    h = {}
    if which in ("both", "signature"): h["Signature"] = mac(key_of(secret), body).hex()
    if which in ("both", "standard"):
        h |= {"webhook-id": ID, "webhook-timestamp": AT, "webhook-signature": "v1," + base64.b64encode(mac(key_of(secret), f"{ID}.{AT}.", body)).decode()}
    return h

def case(family, name, body, must, may=(), *, h=None, computed=None, secret=SECRET, lossy=False, tool="", stored=None):
    body = body if isinstance(body, bytes) else body.encode()
    c = {"family": family, "name": name, "tool": tool, "secret": secret, "headers": h or {}, "must": must, "may": sorted(set(may) - set(must)), "lossy": lossy}
    try: c["body"] = body.decode()
    except UnicodeDecodeError: c["body_base64"] = base64.b64encode(body).decode()
    if computed is not None: c["computed"] = computed
    if stored is not None: c["stored"] = stored
    cases.append(c)

def run(argv, data=b"", **kw):
    if isinstance(data, str): data = data.encode()
    return subprocess.run(argv, input=data, capture_output=True, check=True, **kw).stdout

# --- serializers: the body that is given was written again -----------------------------------
PY = "import json,sys;b=json.loads(sys.stdin.buffer.read());sys.stdout.buffer.write(%s.encode())"
NODE = "const b=JSON.parse(require('fs').readFileSync(0));process.stdout.write(%s)"
RUBY = "require 'json';b=JSON.parse(STDIN.read);STDOUT.write(%s)"
PHP = "$b=json_decode(file_get_contents('php://stdin')%s);echo json_encode($b%s);"
PERL = "use JSON::PP;local $/;my $j=JSON::PP->new->utf8->canonical;my $b=$j->decode(<STDIN>);print %s;"
SERIALIZERS = {
    "python json.dumps": ["python3", "-c", PY % "json.dumps(b)"],
    "python json.dumps ensure_ascii=False": ["python3", "-c", PY % "json.dumps(b,ensure_ascii=False)"],
    "python json.dumps sort_keys": ["python3", "-c", PY % "json.dumps(b,sort_keys=True)"],
    "python json.dumps indent": ["python3", "-c", PY % "json.dumps(b,indent=2)"],
    "python json.dumps compact": ["python3", "-c", PY % "json.dumps(b,separators=(',',':'))"],
    "python -m json.tool": ["python3", "-m", "json.tool"],
    "node JSON.stringify indent": ["node", "-e", NODE % "JSON.stringify(b,null,2)"],
    "node JSON.stringify tabs": ["node", "-e", NODE % "JSON.stringify(b,null,'\\t')"],
    "node sorted": ["node", "-e", NODE % "JSON.stringify(Object.fromEntries(Object.entries(b).sort()))"],
    "node without id first": ["node", "-e", NODE % "(({id,...rest})=>JSON.stringify({...rest,id}))(b)"],
    "ruby JSON.generate": ["ruby", "-e", RUBY % "JSON.generate(b)"],
    "ruby JSON.pretty_generate": ["ruby", "-e", RUBY % "JSON.pretty_generate(b)"],
    "ruby ascii_only": ["ruby", "-e", RUBY % "JSON.generate(b, ascii_only: true)"],
    "ruby script_safe": ["ruby", "-e", RUBY % "JSON.generate(b, script_safe: true)"],
    "php json_encode": ["php", "-r", PHP % ("", "")],
    "php json_encode arrays": ["php", "-r", PHP % (",true", "")],
    "php json_encode unescaped slashes": ["php", "-r", PHP % ("", ",JSON_UNESCAPED_SLASHES")],
    "php json_encode unescaped both": ["php", "-r", PHP % ("", ",JSON_UNESCAPED_SLASHES|JSON_UNESCAPED_UNICODE")],
    "php json_encode pretty": ["php", "-r", PHP % ("", ",JSON_PRETTY_PRINT")],
    "php json_encode hex": ["php", "-r", PHP % ("", ",JSON_HEX_TAG|JSON_HEX_AMP|JSON_HEX_APOS|JSON_HEX_QUOT")],
    "jq": ["jq", "."], "jq -c": ["jq", "-c", "."], "jq -S": ["jq", "-S", "."], "jq -cS": ["jq", "-cS", "."], "jq --tab": ["jq", "--tab", "."], "jq -a": ["jq", "-a", "."], "jq -j": ["jq", "-j", "."],
    "perl canonical": ["perl", "-e", PERL % "$j->encode($b)"], "perl pretty": ["perl", "-e", PERL % "$j->pretty->encode($b)"],
}
GO = '''package main
import ("encoding/json";"io";"os";"bytes")
func main(){ raw,_:=io.ReadAll(os.Stdin); var m any; json.Unmarshal(raw,&m); var out []byte
switch os.Args[1] { case "map": out,_=json.Marshal(m); case "indent": out,_=json.MarshalIndent(m,"","  "); case "raw": out,_=json.Marshal(json.RawMessage(raw))
case "encoder": var b bytes.Buffer; json.NewEncoder(&b).Encode(m); out=b.Bytes() }
os.Stdout.Write(out) }'''

def layout_must(given, back):
    text = given.strip()
    if back: # what was signed is compact
        return None
    return None

def facets(given, signed):
    """The codes that must be there: how the signed text differs from the given one, told without the package."""
    g, s = json.loads(given), json.loads(signed)
    must = []
    def order(v): return [list(v), [order(x) for x in v.values()]] if isinstance(v, dict) else [order(x) for x in v] if isinstance(v, list) else 0
    if g == s and order(g) != order(s): must.append("body_keys")
    blanks = lambda t: json.dumps(json.loads(t), ensure_ascii=False) and any(c in t.strip().replace('\\"', "").split('"')[::2][i] for i in range(len(t.strip().replace('\\"', "").split('"')[::2])) for c in " \n\t")
    if blanks(given) and not blanks(signed): must.append("body_compact")
    if blanks(signed) and not blanks(given): must.append("body_indented" if "\n" in signed.strip() else "body_spaced")
    if not must and signed.isascii() and not given.isascii(): must.append("body_escaped_unicode")
    return must

def both_ways(family, name, original, given, may, tool, lossy=False):
    if given == original: return
    g, o = given.decode(), original.decode()
    must = facets(g, o) or [c for c in may]
    case(family, name + ": given", given, must[:1] if facets(g, o) else may, may, h=headers(original), tool=tool, lossy=lossy)
    must = facets(o, g)
    case(family, name + ": computed", original, must[:1] or may, may, h=headers(original), computed=mac(SECRET.encode(), given).hex(), tool=tool)

with tempfile.TemporaryDirectory() as tmp:
    (pathlib.Path(tmp) / "main.go").write_text(GO)
    run(["go", "build", "-o", tmp + "/rewrite", tmp + "/main.go"], env={**os.environ, "GO111MODULE": "off", "CGO_ENABLED": "0"})
    for kind in ("map", "indent", "raw", "encoder"):
        SERIALIZERS["go " + kind] = [tmp + "/rewrite", kind]
    ends = ["body_plus_newline", "body_minus_newline", "body_trimmed"]
    for name, argv in SERIALIZERS.items():
        for i, e in enumerate(EVENTS):
            original = e.encode()
            try: given = run(argv, original)
            except subprocess.CalledProcessError: continue
            # Of eight keys that were sorted, nobody knows the order before, unless a sample has it.
            lost = i == 0 and any(k in name for k in ("sort_keys", "jq -S", "jq -cS", "perl", "go map", "go indent", "go encoder"))
            both_ways("serializers", f"{name}, event {i}", original, given, JSON + ends, argv[0].split("/")[-1], lost)

# --- stores and typed parsers (their rules, written down) -------------------------------------
def jsonb(v):
    if isinstance(v, dict): return "{" + ", ".join(json.dumps(k, ensure_ascii=False) + ": " + jsonb(v[k]) for k in sorted(v, key=lambda k: (len(k.encode()), k.encode()))) + "}"
    if isinstance(v, list): return "[" + ", ".join(map(jsonb, v)) + "]"
    return json.dumps(v, ensure_ascii=False)
for i, e in enumerate(EVENTS):
    v = json.loads(e)
    for name, text in {
        "jsonb": jsonb(v),
        "jsonb through JSON.stringify": json.dumps(json.loads(jsonb(v)), ensure_ascii=False, separators=(",", ":")),
        "alphabetical struct": json.dumps(v, sort_keys=True, ensure_ascii=False, separators=(",", ":")),
    }.items():
        few = all(len(x) <= 6 for x in [v["body"]] + [y for y in v["body"].values() if isinstance(y, dict)]) and sum(isinstance(y, dict) and list(y) != sorted(y) for y in v["body"].values()) == 0
        case("keys", f"{name}, event {i}", text, ["body_keys"], JSON, h=headers(e), lossy=not few, tool="emulated")
    stamp = v["timestamp"]
    for name, other in {"zeros dropped": stamp.rstrip("Z").rstrip("0").rstrip(".") + "Z", "isoformat": stamp.replace("Z", "000+00:00"), "blank for T": stamp.replace("T", " "), "other zone": stamp.replace("T10", "T11").replace("Z", "+01:00"),
                        "six digits": stamp.replace("Z", "000Z"), "nine digits": stamp.replace("Z", "000000Z"), "milliseconds since 1970": 1767608430000 + int(stamp[20:23]), "seconds only": stamp[:19] + "Z"}.items():
        if other == stamp: continue
        case("dates", f"{name}, event {i}", json.dumps({**v, "timestamp": other}, ensure_ascii=False, separators=(",", ":")), ["body_dates"], JSON, h=headers(e), tool="emulated")
case("dates", "time.Time and HTML escaping", json.dumps({**json.loads(EVENTS[1]), "timestamp": "2026-01-05T10:20:30.12Z"}), ["body_dates"], JSON, h=headers(EVENTS[1]), tool="emulated")
v = json.loads(EVENTS[4])
case("typed parsers", "empty object to list", json.dumps({**v, "body": {**v["body"], "empty": []}}, ensure_ascii=False, separators=(",", ":")), ["body_empty_objects"], JSON, h=headers(EVENTS[4]), tool="emulated")
v = {**json.loads(EVENTS[1]), "body": {"a": "", "b": "x"}}; o = json.dumps(v, separators=(",", ":"))
case("typed parsers", "ConvertEmptyStringsToNull", o.replace('""', "null"), ["body_nulls"], JSON, h=headers(o), tool="emulated")
case("typed parsers", "numbers as texts", EVENTS[1].replace("2500", '"2500"'), ["body_types"], JSON, h=headers(EVENTS[1]), tool="emulated")
case("typed parsers", "names in snake case", EVENTS[0].replace("cardId", "card_id").replace("localAmount", "local_amount").replace("localCurrency", "local_currency").replace("merchantName", "merchant_name").replace("merchantCategoryCode", "merchant_category_code"), ["body_keys"], JSON, h=headers(EVENTS[0]), tool="emulated")
o = json.dumps({**json.loads(EVENTS[1]), "body": {"name": "  Ada ", "n": 1}}, separators=(",", ":"))
case("typed parsers", "TrimStrings computed", o, ["body_strings"], JSON, h=headers(o), computed=mac(SECRET.encode(), o.replace("  Ada ", "Ada")).hex(), tool="emulated")
case("typed parsers", "TrimStrings given", o.replace("  Ada ", "Ada"), [], [], h=headers(o), lossy=True, tool="emulated")
case("typed parsers", "null left out computed", EVENTS[4], ["body_members"], JSON, h=headers(EVENTS[4]), computed=mac(SECRET.encode(), EVENTS[4].replace('"none":null,', "")).hex(), tool="emulated")
case("typed parsers", "null left out given", EVENTS[4].replace('"none":null,', ""), [], [], h=headers(EVENTS[4]), lossy=True, tool="emulated")
case("typed parsers", "dates computed", EVENTS[1], ["body_dates"], JSON, h=headers(EVENTS[1]), computed=mac(SECRET.encode(), EVENTS[1].replace(".120Z", ".12Z")).hex(), tool="emulated")

# --- charsets ---------------------------------------------------------------------------------
for i, e in enumerate(WIDE):
    raw = e.encode()
    for name, f in {
        "read as ISO 8859-1": lambda: run(["iconv", "-f", "latin1", "-t", "utf-8"], raw), "read as CP850": lambda: run(["iconv", "-f", "cp850", "-t", "utf-8"], raw), "read as CP437": lambda: run(["iconv", "-f", "cp437", "-t", "utf-8"], raw),
        "read as Windows-1252": lambda: raw.decode("cp1252").encode(), "ISO 8859-1": lambda: run(["iconv", "-f", "utf-8", "-t", "latin1"], raw), "Windows-1252": lambda: run(["iconv", "-f", "utf-8", "-t", "cp1252"], raw),
        "UTF-16 with mark": lambda: b"\xff\xfe" + e.encode("utf-16-le"), "UTF-16LE": lambda: run(["iconv", "-f", "utf-8", "-t", "utf-16le"], raw), "UTF-16BE with mark": lambda: b"\xfe\xff" + e.encode("utf-16-be"), "UTF-16 and CRLF": lambda: b"\xff\xfe" + (e + "\r\n").encode("utf-16-le"),
        "NFD": lambda: unicodedata.normalize("NFD", e).encode(), "twice as ISO 8859-1": lambda: raw.decode("latin1").encode().decode("latin1").encode(),
    }.items():
        try: given = f()
        except (subprocess.CalledProcessError, UnicodeDecodeError): continue
        if given == raw: continue
        want = ["body_utf16"] if "UTF-16" in name else ["body_normalized"] if name == "NFD" else ["body_charset"]
        case("charsets", f"{name}, wide event {i}", given, want, ["body_charset", "body_minus_newline"] + JSON, h=headers(e), tool="iconv")
    for name, given in {"ascii with ?": e.encode("ascii", "replace"), "ascii ignored": e.encode("ascii", "ignore"), "U+FFFD a byte": raw.decode("ascii", "replace").encode(), "latin1 with ?": e.encode("latin1", "replace"),
                        "Buffer latin1": run(["node", "-e", "process.stdout.write(Buffer.from(require('fs').readFileSync(0,'utf8'),'latin1'))"], raw), "ISO 8859-1": raw.decode("latin1").encode(), "NFD": unicodedata.normalize("NFD", e).encode(), "UTF-16LE": e.encode("utf-16-le")}.items():
        want = ["body_utf16"] if "UTF-16" in name else ["body_normalized"] if name == "NFD" else ["body_charset"]
        case("charsets", f"{name} computed, wide event {i}", e, want, ["body_charset"], h=headers(e), computed=mac(SECRET.encode(), given).hex(), tool="python3")
    for name, given in {"ascii with ?": e.encode("ascii", "replace"), "U+FFFD a byte": raw.decode("ascii", "replace").encode()}.items():
        case("charsets", f"{name} given, wide event {i}", given, [], [], h=headers(e), lossy=True, tool="python3")
    at = next(j for j, c in enumerate(raw) if c >= 0x80) + 1
    split = raw[:at].decode("utf-8", "replace").encode() + raw[at:].decode("utf-8", "replace").encode()
    case("charsets", f"character over two chunks computed, wide event {i}", e, ["body_charset"], [], h=headers(e), computed=mac(SECRET.encode(), split).hex(), tool="python3")

# --- shells, curl, logs -----------------------------------------------------------------------
got = {}
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        got["body"] = self.rfile.read(int(self.headers["content-length"])) if "content-length" in self.headers else b""
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
def curl(*args):
    run(["curl", "-s", "-H", "Expect:", *args, url]); return got["body"]

for i, e in enumerate(EVENTS):
    raw = e.encode()
    env = {**os.environ, "BODY": e}
    with tempfile.NamedTemporaryFile() as f:
        f.write(raw + b"\n"); f.flush()
        tries = {
            "bash echo": (lambda: run(["bash", "-c", 'echo "$BODY"'], env=env), "body_minus_newline", "bash"),
            "dash echo": (lambda: run(["dash", "-c", 'echo "$BODY"'], env=env), "body_minus_newline", "dash"),
            "zsh echo": (lambda: run(["zsh", "-fc", 'echo "$BODY"'], env=env), "body_minus_newline", "zsh"),
            "awk print": (lambda: run(["awk", "{print}"], raw), "body_minus_newline", "awk"),
            "here-document": (lambda: run(["bash", "-c", 'cat <<EOF\n$BODY\nEOF'], env=env), "body_minus_newline", "bash"),
            "printf format": (lambda: run(["bash", "-c", 'printf "$BODY"'], env=env), "body_not_escaped", "bash"),
            "curl --data-urlencode": (lambda: curl("--data-urlencode", "payload=" + e), "body_not_form", "curl"),
            "curl -F": (lambda: curl("-F", "payload=" + e), "body_not_multipart", "curl"),
            "curl --data-binary of a file with LF": (lambda: curl("--data-binary", "@" + f.name), "body_minus_newline", "curl"),
            "base64": (lambda: run(["base64"], raw), "body_not_base64", "base64"), "base64 -w0": (lambda: run(["base64", "-w0"], raw), "body_not_base64", "base64"),
            "xxd -p": (lambda: raw.hex().encode() + b"\n", "body_hex", "emulated"),
            "node quoted": (lambda: json.dumps(e, ensure_ascii=False).encode(), "body_unquoted", "node"),
            "python quoted": (lambda: json.dumps(e).encode(), "body_unquoted", "python3"),
            "python str(bytes)": (lambda: str(raw).encode(), "body_not_bytes_printed", "python3"),
            "python str(dict)": (lambda: str(json.loads(e)).encode(), "body_not_printed", "python3"),
            "ruby inspect": (lambda: run(["ruby", "-e", RUBY % "b.inspect"], raw), "body_not_printed", "ruby"),
            "node inspect": (lambda: run(["node", "-e", NODE % "require('util').inspect(b,{depth:9})"], raw), "body_not_printed", "node"),
            "node Buffer": (lambda: run(["node", "-e", "process.stdout.write(JSON.stringify(require('fs').readFileSync(0)))"], raw), "body_not_bytes_printed", "node"),
            "node Uint8Array": (lambda: run(["node", "-e", "process.stdout.write(new Uint8Array(require('fs').readFileSync(0)).toString())"], raw), "body_not_bytes_printed", "node"),
            "php htmlspecialchars": (lambda: run(["php", "-r", "echo htmlspecialchars(file_get_contents('php://stdin'));"], raw), "body_not_html_escaped", "php"),
            "php htmlentities": (lambda: run(["php", "-r", "echo htmlentities(file_get_contents('php://stdin'));"], raw), "body_not_html_escaped", "php"),
            "python html.escape": (lambda: html.escape(e).encode(), "body_not_html_escaped", "python3"),
            "php addslashes": (lambda: run(["php", "-r", "echo addslashes(file_get_contents('php://stdin'));"], raw), "body_not_escaped", "php"),
            "ruby urlencoded": (lambda: urllib.parse.quote_plus(e).encode(), "body_not_form", "python3"),
            "encodeURIComponent": (lambda: urllib.parse.quote(e, safe="~()*!.'").encode(), "body_not_form", "node"),
            "nginx log": (lambda: "".join(chr(c) if 32 <= c < 127 and c not in (34, 92) else "\\x%02X" % c for c in raw).encode(), "body_not_escaped", "emulated"),
            "nginx json log": (lambda: json.dumps(e, ensure_ascii=False)[1:-1].encode(), "body_not_escaped", "emulated"),
            "CSV": (lambda: ('"' + e.replace('"', '""') + '"').encode(), "body_not_escaped", "python3"),
            "gzip": (lambda: gzip.compress(raw), "body_gunzip", "gzip"), "zlib": (lambda: zlib.compress(raw), "body_gunzip", "python3"),
            "chunks": (lambda: b"10\r\n" + raw[:16] + b"\r\n" + b"%x\r\n" % len(raw[16:]) + raw[16:] + b"\r\n0\r\n\r\n", "body_not_chunked", "emulated"),
            "whole request": (lambda: b"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + raw, "body_not_request", "emulated"),
            "CRLF at the end": (lambda: raw + b"\r\n", "body_minus_newline", "emulated"), "byte order mark": (lambda: b"\xef\xbb\xbf" + raw, "body_minus_bom", "emulated"), "zero bytes": (lambda: raw + b"\0\0\0", "body_padded", "emulated"),
        }
        for name, (f2, want, tool) in tries.items():
            try: given = f2()
            except subprocess.CalledProcessError: continue
            if given == raw: continue
            also = ["body_not_bytes_printed", "body_unquoted", "body_not_escaped", "body_minus_newline", "body_not_form", "body_not_printed", "body_not_html_escaped", "body_hex", "body_not_base64", "body_trimmed"] + JSON
            sure = want if not (name in ("dash echo", "zsh echo", "printf format") and "\\" in e) else None
            if sure: case("shells and logs", f"{name}, event {i}", given, [sure], also, h=headers(e), tool=tool)
            else: case("shells and logs", f"{name}, event {i}", given, also, also, h=headers(e), tool=tool, lossy='\\"' in e or name == "printf format" and "%" in e)
        for name, made, want in [("curl -d of a file", curl("-d", "@" + f.name), None), ("String(object)", b"[object Object]", "body_object_text"), ("undefined", b"undefined", "body_object_text"), ("python str(bytes)", str(raw).encode(), "body_bytes_printed"),
                                 ("python str(dict)", str(json.loads(e)).encode(), "body_printed"), ("ruby inspect", run(["ruby", "-e", RUBY % "b.inspect"], raw), "body_printed"), ("Buffer JSON", json.dumps({"type": "Buffer", "data": list(raw)}, separators=(",", ":")).encode(), "body_bytes_printed"),
                                 ("htmlspecialchars", run(["php", "-r", "echo htmlspecialchars(file_get_contents('php://stdin'));"], raw), "body_html_escaped"), ("base64", base64.b64encode(raw), "body_base64"), ("first 255 bytes", raw[:255] if len(raw) > 255 else raw, "body_cut"),
                                 ("http_build_query", run(["php", "-r", "echo http_build_query(json_decode(file_get_contents('php://stdin'),true));"], raw), "body_printed"), ("echo", raw + b"\n", "body_plus_newline")]:
            if want and made != raw: case("shells and logs", f"{name} computed, event {i}", e, [want], [], h=headers(e), computed=mac(SECRET.encode(), made).hex(), tool="")

# --- values -----------------------------------------------------------------------------------
e = EVENTS[0]; raw = e.encode(); sum_hex = mac(SECRET.encode(), raw).hex(); b64 = base64.b64encode(mac(SECRET.encode(), f"{ID}.{AT}.", raw)).decode()
openssl = run(["openssl", "dgst", "-sha256", "-hmac", SECRET], raw).decode().strip()
pairs = "-".join(sum_hex[i:i + 2] for i in range(0, 64, 2))
for name, value, want in [("openssl", openssl, ["encoding_labelled"]), ("openssl HMAC-SHA2-256(stdin)", "HMAC-SHA2-256(stdin)= " + sum_hex, ["encoding_labelled"]), ("(stdin)= ", "(stdin)= " + sum_hex, ["encoding_labelled"]), ("0x", "0x" + sum_hex, ["encoding_labelled"]),
                          ("sha256sum", sum_hex + "  -", ["encoding_labelled"]), ("BitConverter", pairs.upper(), ["encoding_separated"]), ("colons", pairs.replace("-", ":"), ["encoding_separated"]), ("python bytes", f"b'{sum_hex}'", ["encoding_bytes_printed"]),
                          ("quotes", f'"{sum_hex}"', ["encoding_quoted"]), ("upper", sum_hex.upper(), ["encoding_upper_case"]), ("base64", base64.b64encode(bytes.fromhex(sum_hex)).decode(), ["encoding_base64"]), ("sha256=", "sha256=" + sum_hex, ["encoding_prefix"]),
                          ("cut at the end", sum_hex[:60], ["encoding_cut"]), ("cut at the beginning", sum_hex[4:], ["encoding_cut"]), ("stripe form", f"t={AT},v1={sum_hex}", ["encoding_prefix"]), ("joined", sum_hex + "," + "0" * 64, ["encoding_listed"]),
                          ("base64 of hex", base64.b64encode(sum_hex.encode()).decode(), ["encoding_twice"]), ("JSON list", json.dumps([sum_hex]), ["encoding_listed"])]:
    for both in (False, True):
        h = headers(e) if both else {}
        case("values", f"Signature: {name}, {'both schemes' if both else 'alone'}", raw, want, ["scheme_other"], h={**h, "Signature": value}, tool="openssl" if "openssl" in name else "")
    case("values", f"computed: {name}", raw, want, [], h=headers(e, which="signature"), computed=value)
plus = next((n, x) for n in range(999) for x in [base64.b64encode(mac(SECRET.encode(), f"{ID}.{AT}.", raw + b" " * n)).decode()] if "+" in x)
praw = raw + b" " * plus[0]
for name, value, want, body in [("no version", b64, ["encoding_without_version"], raw), ("v1=", "v1=" + b64, ["encoding_prefix"], raw), ("quotes", f'"v1,{b64}"', ["encoding_quoted"], raw), ("no padding", "v1," + b64.rstrip("="), ["encoding_base64url_or_unpadded", "encoding_unpadded"], raw),
                                ("hex", "v1," + base64.b64decode(b64).hex(), ["encoding_hex"], raw), ("commas", f"v1,{b64},v1,{'A' * 43}=", ["encoding_listed"], raw), ("+ to blank", "v1," + plus[1].replace("+", " "), ["encoding_percent"], praw), ("percent", "v1%2C" + urllib.parse.quote(b64, safe=""), ["encoding_percent"], raw),
                                ("python bytes", f"b'v1,{b64}'", ["encoding_bytes_printed"], raw), ("cut", "v1," + b64[:30], ["encoding_cut"], raw), ("list", json.dumps(["v1," + b64]), ["encoding_listed"], raw), ("lower case", "v1," + b64.lower(), ["encoding_upper_case"], raw)]:
    for both in (False, True):
        h = headers(body, which="both" if both else "standard")
        case("values", f"webhook-signature: {name}, {'both schemes' if both else 'alone'}", body, want, ["scheme_other", "encoding_unpadded"], h={**h, "webhook-signature": value})

# --- the triple ---------------------------------------------------------------------------------
def standard(content): return "v1," + base64.b64encode(mac(SECRET.encode(), content)).decode()
iso = "2026-01-05T10:20:30Z"
for name, content, want in [("body alone", raw, ["content_body_alone"]), ("without id", f"{AT}.".encode() + raw, ["content_without_id"]), ("without time", f"{ID}.".encode() + raw, ["content_without_timestamp"]), ("without body", f"{ID}.{AT}".encode(), ["content_without_body"]),
                            ("order", f"{AT}.{ID}.".encode() + raw, ["content_order"]), ("colons", f"{ID}:{AT}:".encode() + raw, ["content_separator"]), ("nothing between", f"{ID}{AT}".encode() + raw, ["content_separator"]), ("undefined", b"undefined.undefined." + raw, ["content_missing"]),
                            ("undefined id", f"undefined.{AT}.".encode() + raw, ["content_missing"]), ("None", b"None.None." + raw, ["content_missing"]), ("ISO time", f"{ID}.{iso}.".encode() + raw, ["content_timestamp"]), ("ISO with milliseconds", f"{ID}.2026-01-05T10:20:30.000Z.".encode() + raw, ["content_timestamp"]),
                            ("float time", f"{ID}.{AT}.0.".encode() + raw, ["content_timestamp"]), ("milliseconds", f"{ID}.{AT}000.".encode() + raw, ["content_milliseconds"]), ("milliseconds of now", f"{ID}.{AT}417.".encode() + raw, ["content_milliseconds"]), ("Slack", f"v0:{AT}:".encode() + raw, ["content_other_scheme"]),
                            ("hashed body", f"{ID}.{AT}.".encode() + hashlib.sha256(raw).hexdigest().encode(), ["content_hashed"]), ("wrong id", f"msg_{ID}.{AT}.".encode() + raw, ["content_id"]), ("upper id", f"{ID.upper()}.{AT}.".encode() + raw, ["content_id"])]:
    for both in (False, True):
        h = headers(raw, which="both" if both else "standard")
        case("contents", f"{name}, {'both schemes' if both else 'alone'}", raw, want, ["scheme_other"], h={**h, "webhook-signature": standard(content)})
    case("contents", f"{name}, computed", raw, want, [], h=headers(raw, which="standard"), computed=standard(content))
for name, change, want in [("another webhook-id", {"webhook-id": "msg_other"}, ["content_id"]), ("milliseconds in the header", {"webhook-timestamp": AT + "000"}, ["content_seconds"]), ("ISO in the header", {"webhook-timestamp": iso}, ["content_seconds"])]:
    for both in (False, True):
        case("contents", f"{name}, {'both schemes' if both else 'alone'}", raw, want, ["scheme_other", "timestamp_milliseconds", "timestamp_unreadable"], h={**headers(raw, which="both" if both else "standard"), **change})

# --- secrets ------------------------------------------------------------------------------------
for name, key, want in [("LF", SECRET + "\n", "secret_plus_newline"), ("CRLF", SECRET + "\r\n", "secret_plus_newline"), ("CR", SECRET + "\r", "secret_plus_newline"), ("BOM", "\ufeff" + SECRET, "secret_bom"), ("UTF-16", SECRET.encode("utf-16-le"), "secret_bom"), ("UTF-16 with mark", b"\xff\xfe" + SECRET.encode("utf-16-le"), "secret_bom"),
                        ("env line", "HOOK_SECRET=" + SECRET, "secret_line"), ("env line quoted", f'WEBHOOK_SECRET="{SECRET}"', "secret_line"), ("quotes", f'"{SECRET}"', "secret_quoted"), ("hex decoded", bytes.fromhex(SECRET), "secret_hex_decoded"), ("base64 decoded", base64.b64decode(SECRET), "secret_base64_decoded"),
                        ("base64", base64.b64encode(SECRET.encode()), "secret_base64_encoded"), ("echo | base64", run(["bash", "-c", f"echo {SECRET} | base64 -w0"]), "secret_base64_encoded"), ("undefined", "undefined", "secret_missing"), ("None", "None", "secret_missing"), ("empty", "", "secret_empty"),
                        ("upper", SECRET.upper(), "secret_case"), ("whsec_ in front", "whsec_" + SECRET, "secret_prefix_kept"), ("first half", SECRET[:32], "secret_cut"), ("sha256", hashlib.sha256(SECRET.encode()).digest(), "secret_hashed"), ("blank", SECRET + " ", "secret_plus_blanks"), ("b'…'", f"b'{SECRET}'", "secret_quoted")]:
    k = key if isinstance(key, bytes) else key.encode()
    h = {"Signature": mac(k, raw).hex(), "webhook-id": ID, "webhook-timestamp": AT, "webhook-signature": "v1," + base64.b64encode(mac(k, f"{ID}.{AT}.", raw)).decode()}
    case("secrets", f"{name}, received", raw, [want], [], h=h)
    case("secrets", f"{name}, computed", raw, [want], [], h=headers(raw), computed=mac(k, raw).hex())
    line = raw + b"\n"
    case("two faults", f"{name} and a line break", line, [want], ["body_minus_newline"], h=h)
for name, key, want in [("whole text", WHSEC.encode(), "secret_prefix_kept"), ("not decoded", WHSEC[6:].encode(), "secret_prefix_cut"), ("hex of the key", base64.b64decode(WHSEC[6:]).hex().encode(), "secret_hex_encoded"), ("LF", (WHSEC + "\n").encode(), "secret_plus_newline")]:
    case("secrets", f"whsec: {name}", raw, [want], [], h={"Signature": mac(key, raw).hex()}, secret=WHSEC)

# --- digests ------------------------------------------------------------------------------------
for name, value, want in [("SHA-1", mac(SECRET.encode(), raw, algorithm="sha1").hex(), "digest_sha1"), ("SHA-512", mac(SECRET.encode(), raw, algorithm="sha512").hex(), "digest_sha512"), ("MD5", mac(SECRET.encode(), raw, algorithm="md5").hex(), "digest_other"), ("no key", hashlib.sha256(raw).hexdigest(), "digest_without_key"),
                          ("key and body", hashlib.sha256(SECRET.encode() + raw).hexdigest(), "digest_joined"), ("body and key", hashlib.sha256(raw + SECRET.encode()).hexdigest(), "digest_joined"), ("turned", mac(raw, SECRET).hex(), "digest_turned_round"), ("SHA3", mac(SECRET.encode(), raw, algorithm="sha3_256").hex(), "digest_other"), ("hashed before", mac(SECRET.encode(), hashlib.sha256(raw).digest()).hex(), "digest_other")]:
    case("digests", name, raw, [want], ["scheme_other"], h={**headers(raw), "Signature": value})
    case("digests", name + ", computed", raw, [want], [], h=headers(raw, which="signature"), computed=value)

# --- what nobody can know ------------------------------------------------------------------------
for i, e in enumerate(EVENTS):
    case("unknown", f"another secret, event {i}", e, [], [], h=headers(e, secret="0" * 60 + "abcd"), lossy=True)
    case("unknown", f"another amount, event {i}", e.replace("1", "7", 1), [], [], h=headers(e), lossy=True)
    case("stored", f"another event, event {i}", EVENTS[(i + 1) % 6], ["body_differs"], ["body_rewritten"], h=headers(e), stored=e)
    case("stored", f"python json.dumps, event {i}", json.dumps(json.loads(e)), ["body_rewritten"], [], h=headers(e), stored=e)
    if not e.isascii(): case("stored", f"ascii with ?, event {i}", e.encode("ascii", "replace"), ["body_rewritten"], [], h=headers(e), stored=e)

(here / "cases.jsonl").write_text("".join(json.dumps(c, ensure_ascii=False) + "\n" for c in cases))
print(len(cases), "cases")

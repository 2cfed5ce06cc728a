"""Writes what Python makes of bodies.json: python3 rewrite.py >python.json"""
import json
import pathlib

styles = {
    "Python's json.dumps": {},
    "Python's json.dumps(ensure_ascii=False)": {"ensure_ascii": False},
    "Python's json.dumps(sort_keys=True)": {"sort_keys": True},
    "Python's json.dumps(sort_keys=True, ensure_ascii=False)": {"sort_keys": True, "ensure_ascii": False},
    "Python's json.dumps(separators=(',', ':'))": {"separators": (",", ":")},
    "Python's json.dumps(separators=(',', ':'), ensure_ascii=False)": {"separators": (",", ":"), "ensure_ascii": False},
    "Python's json.dumps(separators=(',', ':'), sort_keys=True)": {"separators": (",", ":"), "sort_keys": True},
    "Python's json.dumps(separators=(',', ':'), sort_keys=True, ensure_ascii=False)": {"separators": (",", ":"), "sort_keys": True, "ensure_ascii": False},
    "Python's json.dumps(indent=2)": {"indent": 2},
    "Python's json.dumps(indent=4)": {"indent": 4},
    "Python's json.dumps(indent=2, sort_keys=True)": {"indent": 2, "sort_keys": True},
    "Python's json.dumps(indent=4, sort_keys=True)": {"indent": 4, "sort_keys": True},
}
bodies = json.loads((pathlib.Path(__file__).parent / "bodies.json").read_text())
made = []
for body in bodies:
    value = json.loads(body)
    texts = {name: json.dumps(value, **style) for name, style in styles.items()}
    # A lone surrogate left as it is can't be encoded, so nobody ever hashed it.
    made.append({name: text for name, text in texts.items() if text.isascii() or "\ud800" not in text})
print(json.dumps(made, indent=1))

// Writes what JavaScript makes of bodies.json: node rewrite.mjs >javascript.json
import { readFileSync } from "node:fs";

const bodies = JSON.parse(readFileSync(new URL("bodies.json", import.meta.url)));
const made = bodies.map((body) => {
  const value = JSON.parse(body);
  return {
    "JavaScript's JSON.stringify": JSON.stringify(value),
    "JavaScript's JSON.stringify(…, null, 2)": JSON.stringify(value, null, 2),
    "JavaScript's JSON.stringify(…, null, 4)": JSON.stringify(value, null, 4),
    "JavaScript's JSON.stringify(…, null, '\\t')": JSON.stringify(value, null, "\t"),
  };
});
console.log(JSON.stringify(made, null, 1));

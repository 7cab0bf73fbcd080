// Sends an image to the service and prints the text with its confidence: node client.mjs captcha.png
// BEARCAT_URL is the address of the service, BEARCAT_TOKEN its token, if it has one. Needs Node 18 or later.

import { readFileSync } from "node:fs";
import { basename } from "node:path";

const url = process.env.BEARCAT_URL ?? "http://127.0.0.1:5006";
const token = process.env.BEARCAT_TOKEN ?? "";
const milliseconds = 70_000; // the service takes at most 60 s for an image

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Returns the service's answer to an image file; errors are answers too. */
async function predict(path) {
  const body = new FormData();
  body.append("img", new Blob([readFileSync(path)]), basename(path));
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(url, { method: "POST", body, headers, signal: AbortSignal.timeout(milliseconds) });
  return response.json();
}

if (process.argv.length !== 3) fail("usage: node client.mjs IMAGE");
let answer;
try {
  answer = await predict(process.argv[2]);
} catch (error) { // no image, no service, or an answer of something else
  fail(`${url}: ${error.cause?.message ?? error.message}`);
}
if (answer.return_code !== 200) fail(`error ${answer.return_code}: ${answer.return_info}`);
console.log(`${answer.result} (${(100 * answer.overall_recognition_rate).toFixed(1)}%)`);

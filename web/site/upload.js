// Asking for a grant and sending the picture through it. Whatever happens on the way, the picture arrives
// once: the same PUT may be repeated, and an answer of 412 means that an earlier one had arrived.

const maxSize = 20_000_000;

// grant asks for the right to upload blob.
export async function grant(blob) {
  if (blob.size > maxSize) throw new Error("The picture has more than 20 MB: choose a smaller one.");
  if (!crypto.subtle) throw new Error("Open this page over https or on localhost: only there can a browser prepare a picture.");
  const sum = await sha256(await blob.arrayBuffer());
  const body = new TextEncoder().encode(JSON.stringify({
    contentType: blob.type, size: blob.size, sha256: btoa(String.fromCharCode(...sum)),
  }));
  const headers = { "content-type": "application/json", "x-amz-content-sha256": hex(await sha256(body)) };
  return insist(async () => {
    const response = await fetch("/api/pictures", { method: "POST", headers, body });
    if (response.status === 201) return response.json();
    throw await failure(response);
  }, Date.now() + 60_000);
}

// send uploads blob and tells how much is sent, from 0 to 1. Only a plain refusal ends it before the
// grant does.
export function send(blob, granted, onSent) {
  return insist(async () => {
    const status = await put(blob, granted.upload, onSent);
    if (status === 200 || status === 412) return;
    const error = new Error(status === 403
      ? "The bucket refused the picture (403): take it again."
      : "The bucket answered " + status + ": take the picture again.");
    error.passing = status === 0 || status === 409 || status === 429 || status >= 500;
    if (status === 0) error.message = "The bucket cannot be reached: check your connection and take the picture again.";
    throw error;
  }, Date.parse(granted.expiresAt));
}

// failure is a problem document as an Error, in the site's own words.
export async function failure(response) {
  let detail = "The site answered " + response.status + ": try again.";
  try {
    detail = (await response.json()).detail ?? detail;
  } catch {
    // Not from the site itself, but from something before it.
  }
  const error = new Error(detail);
  error.passing = response.status === 429 || response.status >= 500;
  return error;
}

// put answers the status, 0 when there was none. XMLHttpRequest, because fetch does not tell how much is sent.
function put(blob, upload, onSent) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onSent(event.loaded / event.total);
    request.onloadend = () => resolve(request.status);
    request.send(blob);
  });
}

// insist repeats what fails in passing, less and less often, until the deadline.
async function insist(attempt, deadline) {
  for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
    try {
      return await attempt();
    } catch (error) {
      const passing = error.passing ?? error instanceof TypeError; // what fetch throws without a network
      if (!passing || Date.now() + pause > deadline) {
        throw error instanceof TypeError ? new Error("The site cannot be reached: check your connection and try again.") : error;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

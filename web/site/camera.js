// The camera, and whatever else a picture can come from: each gives a JPEG of at most 1600 px, drawn on a
// canvas, which leaves behind where and when it was taken.

const longest = 1600;

// One sentence for each way a camera can refuse, with what to do about it.
const refusals = {
  NotAllowedError: "This page may not use the camera: allow it in the address bar, then try again.",
  SecurityError: "Your browser's settings forbid the camera here: choose a picture instead.",
  NotFoundError: "No camera was found: plug one in and try again, or choose a picture instead.",
  NotReadableError: "The camera is in use by another program: close it there, then try again.",
  AbortError: "The camera stopped unexpectedly: try again.",
  OverconstrainedError: "No camera fits what was asked for: try again with another one.",
  InvalidStateError: "This page was not in front: come back to it and try again.",
  TypeError: "Cameras work only over https or on localhost: choose a picture instead.",
};

export function explain(error) {
  return refusals[error.name] ?? "The camera cannot be used (" + error.name + "): choose a picture instead.";
}

// open shows a camera in video. Given an earlier stream it stops that one first, since some phones cannot
// run two, and asks for the next device.
export async function open(video, earlier) {
  const asked = { width: { ideal: longest }, height: { ideal: longest }, facingMode: "user" };
  if (earlier) {
    const last = earlier.getVideoTracks()[0]?.getSettings().deviceId;
    const ids = (await cameras()).map((device) => device.deviceId);
    close(earlier);
    delete asked.facingMode;
    asked.deviceId = { ideal: ids[(ids.indexOf(last) + 1) % ids.length] };
  }
  if (!navigator.mediaDevices?.getUserMedia) throw new TypeError("no mediaDevices");
  const stream = await navigator.mediaDevices.getUserMedia({ video: asked, audio: false });
  try {
    await play(video, stream);
  } catch (error) {
    close(stream);
    throw error;
  }
  return stream;
}

async function play(video, stream) {
  video.srcObject = stream;
  // Only a camera that faces the person is a mirror; a laptop's does not say, and does.
  const facing = stream.getVideoTracks()[0].getSettings().facingMode;
  video.classList.toggle("mirror", facing !== "environment");
  await video.play();
}

export function close(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

// cameras are known by ID only once the person has allowed one.
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "videoinput");
}

export function shoot(video) {
  return jpeg(video, video.videoWidth, video.videoHeight);
}

// fromFile gives the file as a small JPEG. What this browser cannot read but Google might goes as it is.
export async function fromFile(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    if (["image/jpeg", "image/png", "image/webp"].includes(file.type)) return file;
    throw new Error("This browser cannot read that file: choose a JPEG, PNG or WebP picture.");
  }
  const blob = await jpeg(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return blob;
}

async function jpeg(source, width, height) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
  if (!blob) throw new Error("This browser could not make a JPEG: try a smaller picture.");
  return blob;
}

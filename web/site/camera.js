// The camera: which there are, the stream of one, and what to do when it refuses.

const retry = { action: "Try again", then: "camera" };
export const choose = { action: "Choose a picture", then: "choose" };

// One sentence for each way a camera can refuse, and one thing to do about it.
const refusals = {
	NotAllowedError: ["The camera is not allowed here. Allow it in the address bar, then try again.", retry],
	SecurityError: ["This browser’s settings forbid the camera. Choose a picture instead.", choose],
	NotFoundError: ["No camera was found. Plug one in, or choose a picture instead.", choose],
	NotReadableError: ["Another program is using the camera. Close it, then try again.", retry],
	AbortError: ["The camera stopped unexpectedly. Try again.", retry],
	OverconstrainedError: ["That camera is gone. Try again with another one.", retry],
	insecure: ["Cameras work only over https or on localhost. Choose a picture instead.", choose],
	missing: ["This browser offers no camera. Choose a picture instead.", choose],
};

export function explain(error) {
	const [text, remedy] = refusals[error.name] ?? ["The camera cannot be used (" + error.name + "). Choose a picture instead.", choose];
	return { text, ...remedy };
}

// open gives the stream of a camera, of the one that faces the person if none is named. That is only a wish, for
// a laptop's camera faces nobody; a named one is exact, or a browser would take another that is sharper.
export async function open(id) {
	if (!navigator.mediaDevices?.getUserMedia) throw { name: isSecureContext ? "missing" : "insecure" };
	const video = { width: { ideal: 1600 }, height: { ideal: 1200 } };
	if (id) video.deviceId = { exact: id };
	else video.facingMode = "user";
	return navigator.mediaDevices.getUserMedia({ video, audio: false });
}

export function close(stream) {
	for (const track of stream?.getTracks() ?? []) track.stop();
}

// cameras are known by name and ID only once the person has allowed one.
export async function cameras() {
	const devices = await navigator.mediaDevices.enumerateDevices();
	return devices.filter((device) => device.kind === "videoinput")
		.map(({ deviceId, label }, i) => ({ id: deviceId, name: label || "Camera " + (i + 1) }));
}

// traits: every camera but one that looks away is a mirror. A laptop's does not say where it looks.
export function traits(stream) {
	const { deviceId, facingMode } = stream.getVideoTracks()[0].getSettings();
	return { camera: deviceId, mirror: facingMode !== "environment" };
}

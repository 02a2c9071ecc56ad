// The browser's cameras.
import { t } from "./language.js";

const retry = () => ({ action: t("Try again"), then: "camera" });
export const choose = () => ({ action: t("Choose a picture"), then: "choose" });

const errors = () => ({
	NotAllowedError: [t("The camera is not allowed here. Allow it in the settings for this site, then try again."), retry],
	SecurityError: [t("This browser’s settings forbid the camera. Choose a picture instead."), choose],
	NotFoundError: [t("No camera was found. Plug one in, or choose a picture instead."), choose],
	NotReadableError: [t("Another program is using the camera. Close it, then try again."), retry],
	AbortError: [t("The camera stopped unexpectedly. Try again."), retry],
	OverconstrainedError: [t("That camera is gone. Try again with another one."), retry],
	insecure: [t("Cameras work only over https or on localhost. Choose a picture instead."), choose],
	missing: [t("This browser offers no camera. Choose a picture instead."), choose],
});

export function explain(error) {
	const [text, remedy] = errors()[error.name] ?? [t("The camera cannot be used ({name}). Choose a picture instead.", { name: error.name }), choose];
	return { text, ...remedy() };
}

// Without an ID, prefer the front camera but accept any camera, because laptop cameras have no facing mode.
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

// Browsers hide camera IDs and labels until the visitor allows a camera.
export async function cameras() {
	const devices = await navigator.mediaDevices.enumerateDevices();
	return devices.filter((device) => device.kind === "videoinput")
		.map(({ deviceId, label }, i) => ({ id: deviceId, name: label || t("Camera {n}", { n: i + 1 }) }));
}

export function settings(stream) {
	const { deviceId, facingMode } = stream.getVideoTracks()[0].getSettings();
	return { camera: deviceId, mirror: facingMode !== "environment" };
}

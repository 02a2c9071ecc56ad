// Stores in this browser that the person accepted where pictures go.
const agreedKey = "triptych.agreed";

export function hasAgreed() {
	try {
		return localStorage.getItem(agreedKey) === "1";
	} catch {
		return false;
	}
}

export function agree() {
	try {
		localStorage.setItem(agreedKey, "1");
	} catch {
		// The page asks again after a reload.
	}
}

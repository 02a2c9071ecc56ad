// The site's API: one request, its answer or an error in the site's own words.

export const addressOf = (id) => "/api/pictures/" + encodeURIComponent(id);

// ask fails with an Error that says whether asking again may help (passing) and in how many ms (after).
export async function ask(address, options) {
	let response;
	try {
		response = await fetch(address, options);
	} catch (error) {
		if (error.name === "AbortError") throw error;
		throw Object.assign(new Error("The site cannot be reached. Check your connection."), { passing: true });
	}
	if (response.ok) return response.json();
	let detail = "The site answered " + response.status + ". Try again.";
	try {
		detail = (await response.json()).detail ?? detail;
	} catch {
		// not from the site, but from something before it
	}
	throw Object.assign(new Error(detail), {
		status: response.status,
		passing: response.status === 429 || response.status >= 500,
		after: 1000 * (Number(response.headers.get("retry-after")) || 0),
	});
}

// erase asks for the erasure and waits until it is seen to have happened.
export async function erase({ id, token }) {
	await insist(() => ask(addressOf(id), { method: "DELETE", headers: { "x-triptych-erase": token } }), { most: 5 });
	await insist(async () => {
		const { status } = await ask(addressOf(id));
		if (status !== "erased") throw Object.assign(new Error("The erasure goes on, and takes longer than usual."), { passing: true });
	}, { first: 150, most: 20 });
}

// longer is the pause after a pause: ever more rarely, down to every 30 s.
export const longer = (pause) => Math.min(pause * 2, 30_000);

// insist repeats what fails in passing, ever more rarely, but at once when the connection comes back. Only
// signal, or most times, ends it.
export async function insist(attempt, { tell = () => {}, signal, most = Infinity, first = 500 } = {}) {
	for (let n = 1, pause = first; ; n++, pause = longer(pause)) {
		try {
			return await attempt(n);
		} catch (error) {
			if (!error.passing || n >= most) throw error;
			const wait = Math.max(pause, error.after ?? 0);
			tell({ attempt: n + 1, error: error.message, nextAttemptAt: new Date(Date.now() + wait).toISOString() });
			await sleep(wait, signal);
		}
	}
}

function sleep(ms, signal) {
	return new Promise((resolve, reject) => {
		const over = new AbortController();
		const end = (settle) => () => { clearTimeout(timer); over.abort(); settle(); };
		const timer = setTimeout(end(resolve), ms);
		addEventListener("online", end(resolve), { signal: over.signal });
		signal?.addEventListener("abort", end(() => reject(signal.reason)), { signal: over.signal });
		if (signal?.aborted) end(() => reject(signal.reason))();
	});
}

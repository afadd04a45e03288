// Clips fetched ahead, so that the next pairs play at once, and also where the server is away. The latest are kept, the rest is let go.

const MOST = 18;
// a larger clip is played from its address
const LARGEST = 32 * 2 ** 20;
const held = new Map();

// what a player is given: the clip in memory where it is here already, else its address
export function source(address) {
  return held.get(address)?.url ?? address;
}

// fetches clips one after the other; resolves when all are here, or could not be had
export async function fetchAhead(addresses) {
  for (const address of addresses.filter(Boolean)) {
    const known = held.get(address);
    held.delete(address);
    held.set(address, known ?? { url: null, ready: fetched(address) });
    tidy();
    await held.get(address)?.ready;
  }
}

async function fetched(address) {
  try {
    const response = await fetch(address);
    if (!response.ok || Number(response.headers.get('content-length') ?? 0) > LARGEST) throw new Error('not kept');
    const blob = await response.blob();
    const entry = held.get(address);
    if (entry) entry.url = URL.createObjectURL(blob);
  } catch {
    held.delete(address);
  }
}

function tidy() {
  for (const [address, { url }] of held) {
    if (held.size <= MOST) return;
    if (url) URL.revokeObjectURL(url);
    held.delete(address);
  }
}

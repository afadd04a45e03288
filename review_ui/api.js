// Talks to the server. `Gone`: it could not be reached, or failed; try again later. `Refused`: it understood and said no.

export class Gone extends Error {}
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export const who = { reviewer: '' };

export async function get(path, values = {}) {
  return ask(address(path, values), {});
}

export async function post(path, body) {
  return ask(address(path, {}), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

export function address(path, values) {
  const query = new URLSearchParams();
  if (who.reviewer) query.set('reviewer', who.reviewer);
  for (const [name, value] of Object.entries(values)) {
    if (value !== '' && value !== null && value !== undefined) query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

async function ask(url, options) {
  let response;
  let body;
  try {
    response = await fetch(url, { ...options, cache: 'no-store', signal: AbortSignal.timeout(15000) });
    body = await response.json();
  } catch (error) {
    throw new Gone(error.message);
  }
  if (response.ok) return body;
  const message = body?.error?.message ?? response.statusText;
  if (response.status >= 500) throw new Gone(message);
  throw new Refused(message, response.status);
}

// Talks to the server. `Gone`: it could not be reached, or cannot do it now; try again later. `Refused`: it understood and said no.

export class Gone extends Error {
  // `status`: 0 where nothing came back; otherwise the server's own sentence is the message
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}
export class Refused extends Error {
  constructor(message, status, code = '') {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// who asks, of which dataset: both travel in every request
export const who = { reviewer: '', dataset: '' };

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
  for (const [name, value] of Object.entries({ ...who, ...values })) {
    if (value !== '' && value !== null && value !== undefined) query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

async function ask(url, options) {
  let response;
  let body;
  try {
    response = await fetch(url, { ...options, cache: 'no-store', signal: AbortSignal.timeout(30000) });
    body = await response.json();
  } catch (error) {
    throw new Gone(error.message, response?.ok === false ? response.status : 0);
  }
  if (response.ok) return body;
  const message = body?.error?.message ?? response.statusText;
  if (response.status >= 500) throw new Gone(message, response.status);
  throw new Refused(message, response.status, body?.error?.code);
}

// Where one is, in the address: the filters and the pair. A reload comes back to it, and it can be sent to somebody.

import { keyOf } from './state.js';

export const NONE = { status: 'undecided', grade: '', tier: '', relation: '', role: '', only: '', mark: '', by: '', text: '' };

export function remember(pair, filters) {
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== NONE[name]) values.set(name, value);
  if (pair) values.set('pair', keyOf(pair));
  const text = values.toString();
  const wanted = text ? `#${text}` : location.pathname;
  if (location.hash !== wanted) history.replaceState(null, '', wanted);
}

export function recalled() {
  const values = new URLSearchParams(location.hash.slice(1));
  const filters = Object.fromEntries(Object.keys(NONE).map((name) => [name, values.get(name) ?? NONE[name]]));
  const [query, contrast] = (values.get('pair') ?? '').split('|');
  return { filters, pair: query && contrast ? { query, contrast } : null };
}

'use strict';

const { baseAddress } = require('./address');
const { foreign, refusal, unreachable } = require('./errors');

// Zapier ends a step after 30 seconds; this leaves time to say why.
const TIMEOUT = 25_000;
// The most rows that the server gives at once, and how many pages of them are looked through.
const PAGE = 100;
const MAX_PAGES = 20;

// authorize is Zapier's beforeRequest: it adds the key, to requests for the user's own server only.
const authorize = (request, z, bundle) => {
  const base = baseAddress(z, bundle.authData.baseUrl);
  if (!request.url.startsWith(`${base}/`)) return request;
  const key = String(bundle.authData.apiKey ?? '').trim();
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new z.errors.Error(
      'The API key is empty or contains characters that no key has. Copy it anew; it begins with sk_live_.',
      'unauthorized',
      401,
    );
  }
  return { ...request, redirect: 'manual', headers: { ...request.headers, 'X-Api-Key': key } };
};

// judge is Zapier's afterResponse: what is not a success of a Switchhook server becomes an error that says what to do.
const judge = (response, z, bundle) => {
  if (response.skipThrowForStatus) return response;
  if (response.status < 200 || response.status > 299) throw refusal(response, z, bundle);
  if (response.content && (typeof response.data !== 'object' || response.data === null)) throw foreign(response, z);
  return response;
};

// written returns a body as JSON in which no {{ stands. Zapier takes {{bundle.…}} for its own and refuses it, even in what a stranger has written.
const written = (body) => body && { body: JSON.stringify(body).replaceAll('{{', '{\\u007b') };

// call sends a request to the user's server. Its path begins with a slash; its further options are those of z.request.
const call = async (z, bundle, /** @type {Record<string, any>} */ { path, headers, body, ...options }) => {
  const base = baseAddress(z, bundle.authData.baseUrl);
  try {
    return await z.request({
      timeout: TIMEOUT,
      ...options,
      ...written(body),
      url: base + path,
      headers: { ...(body && { 'Content-Type': 'application/json' }), ...headers },
    });
  } catch (error) {
    if (error.name === 'FetchError' || error.name === 'AbortError') throw unreachable(error, base, z);
    throw error;
  }
};

// get returns what is at a path.
const get = async (z, bundle, path, params) => (await call(z, bundle, { path, params })).data;

// find returns what is at a path in a list, and an empty list where nothing is: what Zapier wants of a search.
const find = async (z, bundle, path) => {
  const response = await call(z, bundle, { path, skipThrowForStatus: true });
  if (response.status === 404 && response.data?.code === 'not_found') return [];
  return [judge({ ...response, skipThrowForStatus: false }, z, bundle).data];
};

// pages yields the pages of a list.
const pages = async function* (z, bundle, path, params) {
  let cursor;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { data, nextCursor } = await get(z, bundle, path, { ...params, limit: PAGE, ...(cursor && { cursor }) });
    yield data;
    if (!nextCursor) return;
    cursor = nextCursor;
  }
};

// nthPage returns the page of a list that a drop-down shows next. It walks there anew each time, because Zapier's own cursors are lost after an hour.
const nthPage = async (z, bundle, path, params) => {
  let left = bundle.meta?.page || 0;
  for await (const page of pages(z, bundle, path, params)) {
    if (left === 0) return page;
    left -= 1;
  }
  return [];
};

// matching returns the first rows of a list that a search wants.
const matching = async (z, bundle, path, params, wanted) => {
  const found = [];
  for await (const page of pages(z, bundle, path, params)) {
    found.push(...page.filter(wanted));
    if (found.length >= 10) break;
  }
  return found.slice(0, 10);
};

module.exports = { authorize, call, find, get, judge, matching, nthPage };

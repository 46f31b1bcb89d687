// Sends what a communication describes, and reads the answer as it says.
import { evaluate } from './iml.mjs';
import { ImlError } from './error.mjs';

const PAGES = 1000; // more than any test needs

// merged puts what a request says over what the base says.
const merged = (base, request) => ({
  ...base,
  ...request,
  headers: { ...base.headers, ...request.headers },
  response: { ...base.response, ...request.response },
  log: { sanitize: [...(base.log?.sanitize ?? []), ...(request.log?.sanitize ?? [])] },
});

const urlOf = (request, base, scope) => {
  const url = evaluate(request.url, scope);
  const whole = new URL(url.startsWith('/') ? evaluate(base.baseUrl, scope) + url : url);
  for (const [name, value] of Object.entries(evaluate(request.qs ?? {}, scope)))
    if (value !== null) whole.searchParams.set(name, value instanceof Date ? value.toISOString() : value);
  return whole;
};

const bodyOf = (request, scope) => {
  if (request.body === undefined) return {};
  const value = evaluate(request.body, scope);
  if (request.type === 'text') return value === undefined ? {} : { body: value };
  return { body: JSON.stringify(value), headers: { 'content-type': 'application/json' } };
};

const lower = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));

// typeFor picks how to read an answer of a status: 200, 400-599 or *.
const typeFor = (type = 'automatic', status) => {
  if (typeof type === 'string') return type;
  const within = (key) => /^\d+-\d+$/.test(key) && status >= Number(key.slice(0, 3)) && status <= Number(key.slice(4));
  return type[status] ?? type[Object.keys(type).find(within)] ?? type['*'] ?? 'automatic';
};

const read = async (response, type) => {
  if (type === 'binary') return Buffer.from(await response.arrayBuffer());
  const text = await response.text();
  const json = type === 'json' || (type === 'automatic' && /\bjson\b/.test(response.headers.get('content-type') ?? ''));
  if (!json) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new ImlError('DataError', `Failed to parse the answer with status ${response.status} as JSON.`);
  }
};

const failure = (error, scope) => {
  const chosen = error[scope.statusCode] ?? error;
  return new ImlError(evaluate(chosen.type ?? 'RuntimeError', scope), evaluate(chosen.message, scope));
};

const hidden = (entry, paths) => {
  for (const path of paths) {
    const keys = path.split('.');
    const last = keys.pop();
    const holder = keys.reduce((at, key) => at?.[key], entry);
    if (holder && typeof holder === 'object' && last in holder) holder[last] = '[sanitized]';
  }
  return entry;
};

const send = async (request, base, scope, log) => {
  const url = urlOf(request, base, scope);
  const { body, headers = {} } = bodyOf(request, scope);
  const method = evaluate(request.method ?? 'GET', scope);
  const sent = { method, url: String(url), headers: { ...headers, ...lower(evaluate(request.headers, scope)) }, body };
  const response = await fetch(url, { ...sent, redirect: request.followRedirects === false ? 'manual' : 'follow' }).catch((error) => {
    throw new ImlError('ConnectionError', `${url.origin} could not be reached: ${error.cause?.code ?? error.message}`);
  });
  const answer = { statusCode: response.status, headers: Object.fromEntries(response.headers) };
  answer.body = await read(response, typeFor(request.response.type, response.status));
  log.push(hidden(structuredClone({ request: sent, response: answer }), request.log.sanitize));
  return answer;
};

const judge = ({ valid, error }, scope) => {
  if (scope.statusCode >= 400) throw failure(error, scope);
  if (valid && !evaluate(valid.condition, scope)) throw new ImlError(valid.type, evaluate(valid.message, scope));
};

const rows = ({ iterate, output }, scope) => {
  if (!iterate) return [evaluate(output, scope)];
  return (evaluate(iterate, scope) ?? []).map((item) => evaluate(output, { ...scope, item }));
};

const next = ({ pagination, ...request }, scope) => {
  if (!pagination || !evaluate(pagination.condition, scope)) return undefined;
  return { ...request, pagination, qs: { ...request.qs, ...evaluate(pagination.qs, scope) } };
};

// perform runs a communication to its end and returns {bundles, scope}: what comes out, and the variables after the last answer.
export const perform = async (communication, base, variables, log) => {
  let request = merged(base, communication);
  const limit = request.response.limit === undefined ? Infinity : evaluate(request.response.limit, variables);
  const bundles = [];
  for (let page = 0; page < PAGES; page += 1) {
    const scope = { ...variables, ...(await send(request, base, variables, log)) };
    judge(request.response, scope);
    bundles.push(...rows(request.response, scope));
    request = next(request, scope);
    if (!request || bundles.length >= limit) return { bundles: bundles.slice(0, limit), scope };
  }
  throw new Error(`There is no end to the pages of ${communication.url}.`);
};

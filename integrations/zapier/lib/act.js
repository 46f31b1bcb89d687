'use strict';

const { createHash } = require('node:crypto');
const { call } = require('./api');

const sorted = (value) => {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
};

// idempotencyKey is the same for a step that Zapier runs again: it is made of the Zap, the action and what the step was given. Zapier names no
// run, so a second run with the very same inputs within a day has the same key too, unless repeatKey is mapped. With it, files do not count: Zapier
// may give them other addresses each time. A test in the editor has no key, so that it acts each time.
const idempotencyKey = (bundle, action) => {
  const zap = bundle.meta?.zap?.id;
  if (!zap || bundle.meta.isLoadingSample) return undefined;
  const { files, ...rest } = bundle.inputData;
  const given = rest.repeatKey || !files ? rest : { files, ...rest };
  const hash = createHash('sha256')
    .update(JSON.stringify(sorted([action, given])))
    .digest('hex');
  return `zapier-${String(zap)
    .replace(/[^\w-]/g, '')
    .slice(0, 64)}-${hash}`;
};

// filled leaves out what the user left empty, so that the server's defaults hold. It is undefined where nothing is left.
const filled = (fields) => {
  const rest = Object.entries(fields).filter(
    ([, value]) => value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  return rest.length ? Object.fromEntries(rest) : undefined;
};

// many returns the values of a field that takes several: Zapier gives one value where a person maps one.
const many = (value) => (Array.isArray(value) ? value : [value]).filter((one) => one !== undefined && one !== null && one !== '');

// act sends what a step creates, once. `repeated` in its result tells that it had been done before, and was not done again.
const act = async (z, bundle, action, path, body) => {
  const key = idempotencyKey(bundle, action);
  const response = await call(z, bundle, { method: 'POST', path, body: body ?? {}, headers: key ? { 'Idempotency-Key': key } : {} });
  return { ...response.data, repeated: response.headers.get('idempotency-replayed') === 'true' };
};

module.exports = { act, filled, idempotencyKey, many };

'use strict';

// Nothing is left to do, or nothing that a repeat could mend: Zapier shows the run as stopped, does not repeat it and does not switch the Zap off.
const HALTED = ['conflict', 'message_rejected', 'unconfirmed', 'window_expired'];
// Nothing has happened yet: Zapier repeats the step by itself.
const LATER = [
  'idempotency_in_progress',
  'media_unavailable',
  'provider_rate_limited',
  'provider_unavailable',
  'rate_limited',
  'service_unavailable',
];

const sentence = ({ code, message, errors, provider, requestId }) => {
  const parts = errors?.length ? errors.map((one) => one.message) : [message];
  if (provider?.message) parts.push(`The network says: ${provider.message}`);
  if (code === 'internal_error') parts.push(`(${requestId})`);
  return parts.join(' ');
};

// foreign is the error for an answer that no Switchhook server gives: a web page, a proxy, a redirect.
const foreign = (response, z) => {
  const { origin } = new URL(response.request.url);
  const { status } = response;
  const to = response.headers.get('location');
  if (status >= 300 && status < 400) {
    const target = to ? new URL(to, origin).origin : 'another address';
    return new z.errors.Error(
      `${origin} sends requests on to ${target}. Enter the address that it sends them to as the server address of the connection.`,
      'redirected',
      status,
    );
  }
  if ([502, 503, 504].includes(status)) {
    return new z.errors.Error(
      `The Switchhook server behind ${origin} does not run or does not answer (${status}). Start it, then try again.`,
      'server_down',
      status,
    );
  }
  return new z.errors.Error(
    `${origin} answered ${status} with something that is not from Switchhook, such as a web page. Check the server address of the connection.`,
    'not_switchhook',
    status,
  );
};

// refusal is the error that Zapier acts on, for an answer that is not a success.
const refusal = (response, z, bundle) => {
  const { status, data } = response;
  if (!data?.code || !data.message) return foreign(response, z);
  const text = sentence(data);
  if (bundle.meta?.isTestingAuth) return new z.errors.Error(text, data.code, status);
  if (status === 401)
    return new z.errors.ExpiredAuthError(`${text} The API key of this connection does not work any more: reconnect it with a new key.`);
  if (status === 429 || LATER.includes(data.code)) {
    const seconds = Number.parseInt(response.headers.get('retry-after'), 10);
    return new z.errors.ThrottledError(text, Number.isNaN(seconds) ? 60 : seconds);
  }
  if (HALTED.includes(data.code)) return new z.errors.HaltedError(text);
  return new z.errors.Error(text, data.code, status);
};

// unreachable is the error for a request that got no answer at all.
const unreachable = (error, base, z) => {
  const why =
    {
      ECONNREFUSED: 'nothing listens there',
      ENOTFOUND: 'there is no server of that name',
      CERT_HAS_EXPIRED: 'its certificate has expired',
      DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
      ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
      UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate cannot be verified',
    }[error.code] || (error.type === 'request-timeout' ? 'it did not answer in time' : 'the connection broke');
  return new z.errors.Error(
    `Switchhook could not be reached at ${base}: ${why}. Check the server address, and that the server can be reached from the internet.`,
    'unreachable',
  );
};

module.exports = { foreign, refusal, unreachable };

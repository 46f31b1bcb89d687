// What all modules share: where requests go, with which key, and what becomes of an answer that is no success.
const FOREIGN =
  'The server address of the connection answered with something that is not from Switchhook, such as a web page. Check the server address of the connection.';
const DOWN = 'The Switchhook server does not run or does not answer. Start it, then try again.';

// address is the server's address without the slash at its end that people copy along.
const address = (of) => {
  const end = `length(${of}) - 1`;
  return `{{if(substring(${of}, ${end}, length(${of})) == '/', substring(${of}, 0, ${end}), ${of})}}`;
};

const said =
  "if(body.errors, join(map(body.errors, 'message'), ' '), body.message) + if(body.provider.message, ' The network says: ' + body.provider.message, '')";
const message = (otherwise) => `[{{statusCode}}] {{if(body.code, ${said}, '${otherwise}')}}`;
const refused = (type, otherwise = FOREIGN) => ({ message: message(otherwise), type });

// Make repeats a step by itself after RateLimitError and ConnectionError, so only answers after which nothing has been sent may have these. With 504
// nobody knows, and with a 502 or 503 that a proxy gives, neither.
const error = {
  ...refused('RuntimeError'),
  400: refused('DataError'),
  401: refused('InvalidAccessTokenError'),
  403: refused('DataError'),
  404: refused("{{if(body.code, 'DataError', 'InvalidConfigurationError')}}"),
  405: refused('InvalidConfigurationError'),
  409: refused("{{if(body.code == 'idempotency_in_progress', 'ConnectionError', 'DataError')}}"),
  413: refused('DataError'),
  415: refused('DataError'),
  429: refused('RateLimitError'),
  500: refused('RuntimeError'),
  502: refused("{{if(body.code, 'ConnectionError', 'RuntimeError')}}", DOWN),
  503: refused("{{if(body.code, 'ConnectionError', 'RuntimeError')}}", DOWN),
  504: refused('RuntimeError', DOWN),
};

// A page in place of JSON fails here; what 4xx and 5xx carry is left to the errors above.
const type = { 204: 'text', '400-599': 'automatic', '*': 'json' };

export const valid = (condition) => ({ condition, message: FOREIGN, type: 'InvalidConfigurationError' });

const HIDDEN = ['request.headers.x-api-key', 'request.headers.authorization', 'response.body.secret'];

export const base = {
  baseUrl: address('connection.baseUrl'),
  headers: { 'X-Api-Key': '{{trim(connection.apiKey)}}', Accept: 'application/json' },
  followRedirects: false,
  response: { type, error },
  log: { sanitize: HIDDEN },
};

export const connection = {
  communication: {
    url: `${address('parameters.baseUrl')}/v1/me`,
    method: 'GET',
    headers: { 'X-Api-Key': '{{trim(parameters.apiKey)}}', Accept: 'application/json' },
    followRedirects: false,
    response: {
      type,
      valid: valid('{{body.account.id}}'),
      metadata: { type: 'text', value: '{{body.account.name}} ({{body.key.name}})' },
      error,
    },
    log: { sanitize: HIDDEN },
  },
  params: [
    {
      name: 'baseUrl',
      type: 'url',
      label: 'Server address',
      required: true,
      editable: true,
      validate: { pattern: '^https?://' },
      help: 'Where your Switchhook server is reached from the internet, such as `https://hooks.example.com`: its BASE_URL.',
    },
    {
      name: 'apiKey',
      type: 'password',
      label: 'API key',
      required: true,
      editable: true,
      help: 'It begins with `sk_live_`. Make one in the dashboard of your server, under API keys; it is shown only once.',
    },
  ],
};

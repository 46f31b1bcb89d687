'use strict';

const http = require('node:http');
const { once } = require('node:events');
const zapier = require('zapier-platform-core');
const app = require('../index');

// server starts a server on loopback that answers as a test says: `answer` gets {method, path, query, headers, body} and returns {status, headers, body}.
// It keeps the requests. It ends with the test.
const server = async (t, answer) => {
  const requests = [];
  const listening = http.createServer(async (incoming, outgoing) => {
    let text = '';
    for await (const chunk of incoming) text += chunk;
    const url = new URL(incoming.url, 'http://fake');
    const request = {
      method: incoming.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers,
      body: text && JSON.parse(text),
    };
    requests.push(request);
    const {
      status = 200,
      headers = {},
      body,
    } = (await answer(request)) ?? { status: 404, body: { code: 'not_found', message: 'There is no such thing.' } };
    const raw = typeof body === 'string';
    outgoing.writeHead(status, { 'Content-Type': raw ? 'text/html' : 'application/json', ...headers });
    outgoing.end(raw ? body : body && JSON.stringify(body));
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  t.after(() => {
    listening.closeAllConnections();
    listening.close();
  });
  return { address: `http://127.0.0.1:${listening.address().port}`, requests };
};

const tester = zapier.createAppTester(app);

// bundle is what Zapier gives a step, for a server at an address.
const bundle = (address, inputData = {}, rest = {}) => ({ authData: { baseUrl: address, apiKey: 'sk_live_test' }, inputData, meta: {}, ...rest });

// failure runs a step that must fail and returns its error, with the fields that Zapier packs into the message.
const failure = async (step, given) => {
  try {
    await tester(step, given);
  } catch (error) {
    const [message] = error.message.split('\nWhat happened:'); // what the platform adds to some errors while it runs tests
    let told = { message };
    try {
      told = JSON.parse(message);
    } catch {
      /* an error with a plain message */
    }
    return { name: error.name, ...told };
  }
  throw new Error('the step did not fail');
};

module.exports = { app, bundle, failure, server, tester };

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { baseAddress } = require('../../lib/address');
const { unreachable } = require('../../lib/errors');
const { app, bundle, failure, server, tester } = require('../fake');

const z = { errors: { Error } };
const me = { account: { id: 'acct_1', name: 'Example Ltd' }, authenticatedWith: 'apiKey', user: null, key: { id: 'key_1', name: 'Zapier' } };

test('An address is taken as people type it', () => {
  for (const [typed, wanted] of [
    ['https://hooks.example.com', 'https://hooks.example.com'],
    [' https://hooks.example.com/ ', 'https://hooks.example.com'],
    ['hooks.example.com', 'https://hooks.example.com'],
    ['HTTPS://Hooks.Example.com//', 'https://hooks.example.com'],
    ['https://hooks.example.com:8443/v1/', 'https://hooks.example.com:8443'],
    ['https://hooks.example.com/v1/me', 'https://hooks.example.com'],
    ['https://example.com/switchhook/app/channels?x=1#y', 'https://example.com/switchhook'],
    ['https://example.com/v1x', 'https://example.com/v1x'],
    ['http://localhost:8080/', 'http://localhost:8080'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
  ])
    assert.equal(baseAddress(z, typed), wanted);
});

test('An address that would take the key elsewhere, or that is none, is refused with a sentence', () => {
  for (const typed of [
    undefined,
    '',
    '  ',
    'http://hooks.example.com',
    'http://localhost.example.com',
    'ftp://example.com',
    'https://jane:secret@example.com',
    'https://',
    'a b',
    'http://10.0.0.1',
  ]) {
    assert.throws(() => baseAddress(z, typed), /Enter the address of your Switchhook server/, String(typed));
  }
});

test('A connection is named by the account, the server and the key', async (t) => {
  const { address, requests } = await server(t, () => ({ body: me }));
  const result = await tester(app.authentication.test, bundle(`${address}/`));
  const label = app.authentication.connectionLabel.replace(/\{\{(\w+)\}\}/g, (_, key) => result[key]);
  assert.equal(label, `Example Ltd at ${address.slice(7)} (Zapier)`);
  assert.equal(requests[0].path, '/v1/me');
  assert.equal(requests[0].headers['x-api-key'], 'sk_live_test');
});

test('What is not Switchhook fails the test of a connection loudly', async (t) => {
  for (const [answer, wanted] of [
    [{ body: '<html>Welcome</html>' }, /not from Switchhook, such as a web page/],
    [{ status: 404, body: '<html>Not found</html>' }, /not from Switchhook/],
    [{ status: 404, body: { error: 'nothing here' } }, /not from Switchhook/],
    [{ body: { hello: 'world' } }, /it is not Switchhook/],
    [{ body: '' }, /it is not Switchhook/],
    [{ body: 'null' }, /not from Switchhook/],
    [{ status: 502, body: '<html>Bad gateway</html>' }, /does not run or does not answer \(502\)/],
  ]) {
    const { address } = await server(t, () => answer);
    assert.match((await failure(app.authentication.test, bundle(address))).message, wanted);
  }
});

test('A server that cannot be reached is named, with the reason', async () => {
  const gone = await failure(app.authentication.test, bundle('http://127.0.0.1:1'));
  assert.equal(gone.code, 'unreachable');
  assert.match(gone.message, /could not be reached at http:\/\/127\.0\.0\.1:1: nothing listens there/);
  class Told extends Error {}
  const late = unreachable({ type: 'request-timeout' }, 'https://hooks.example.com', { errors: { Error: Told } });
  assert.match(late.message, /it did not answer in time/);
});

test('A redirect is not followed, so the key stays with the server that was named', async (t) => {
  const other = await server(t, () => ({ body: me }));
  const { address } = await server(t, () => ({ status: 301, headers: { Location: `${other.address}/v1/me` } }));
  const { message, code } = await failure(app.authentication.test, bundle(address));
  assert.equal(code, 'redirected');
  assert.ok(message.includes(other.address));
  assert.equal(other.requests.length, 0);
});

test('Only the server of the connection gets the key', async (t) => {
  const own = await server(t, () => ({ body: {} }));
  const other = await server(t, () => ({ body: {} }));
  await tester(async (zap) => (await zap.request(`${other.address}/v1/me`)).data, bundle(own.address));
  await tester(async (zap) => (await zap.request(`${own.address}/v1/me`)).data, bundle(own.address));
  assert.equal(other.requests[0].headers['x-api-key'], undefined);
  assert.equal(own.requests[0].headers['x-api-key'], 'sk_live_test');
});

test('A key with stray characters is refused before it is sent, one with spaces around it is trimmed', async (t) => {
  const { address, requests } = await server(t, () => ({ body: me }));
  for (const apiKey of ['', undefined, 'sk_live_\u201c', 'sk live']) {
    assert.match(
      (await failure(app.authentication.test, { ...bundle(address), authData: { baseUrl: address, apiKey } })).message,
      /The API key is empty or contains/,
    );
  }
  assert.equal(requests.length, 0);
  await tester(app.authentication.test, { ...bundle(address), authData: { baseUrl: address, apiKey: ' sk_live_test\n' } });
  assert.equal(requests[0].headers['x-api-key'], 'sk_live_test');
});

test('A refused key is an error of the test, and an expired connection everywhere else', async (t) => {
  const { address } = await server(t, () => ({
    status: 401,
    body: { code: 'unauthorized', message: 'This API key was revoked.', requestId: 'req_1' },
  }));
  const tested = await failure(app.authentication.test, bundle(address));
  assert.deepEqual(
    { name: tested.name, message: tested.message, status: tested.status },
    { name: 'AppError', message: 'This API key was revoked.', status: 401 },
  );
  const used = await failure(app.creates.send_message.operation.perform, bundle(address, { channelId: 'chan_1', to: '1', text: 'Hello' }));
  assert.equal(used.name, 'ExpiredAuthError');
  assert.match(used.message, /^This API key was revoked\. .*reconnect it with a new key/);
});

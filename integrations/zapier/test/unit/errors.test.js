'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { app, bundle, failure, server } = require('../fake');

const send = app.creates.send_message.operation.perform;
const inputs = { channelId: 'chan_1', to: '15551234567', text: 'Hello' };

const told = async (t, status, body, headers) => {
  const { address } = await server(t, () => ({ status, headers, body: { requestId: 'req_1', ...body } }));
  return failure(send, bundle(address, inputs));
};

test('What may be tried again later is held back for as long as the server says', async (t) => {
  for (const [status, code] of [
    [429, 'rate_limited'],
    [429, 'provider_rate_limited'],
    [503, 'service_unavailable'],
    [503, 'provider_unavailable'],
    [502, 'media_unavailable'],
    [409, 'idempotency_in_progress'],
  ]) {
    const { name, message, delay } = await told(t, status, { code, message: 'Wait a little.' }, { 'Retry-After': '17' });
    assert.deepEqual({ name, message, delay }, { name: 'ThrottledError', message: 'Wait a little.', delay: 17 }, code);
  }
});

test('What may be tried again later waits a minute where the server names no time', async (t) => {
  assert.equal((await told(t, 503, { code: 'provider_unavailable', message: 'The network is down.' })).delay, 60);
});

test('What a repeat cannot mend stops the run without an alarm', async (t) => {
  for (const [status, code] of [
    [409, 'conflict'],
    [400, 'message_rejected'],
    [504, 'unconfirmed'],
    [403, 'window_expired'],
  ]) {
    const { name, message } = await told(t, status, { code, message: 'It cannot be done.' });
    assert.deepEqual({ name, message }, { name: 'HaltedError', message: 'It cannot be done.' }, code);
  }
});

test('Other refusals say what the server says', async (t) => {
  const { name, message, code, status } = await told(t, 400, { code: 'session_not_connected', message: 'Link the session again.' });
  assert.deepEqual(
    { name, message, code, status },
    { name: 'AppError', message: 'Link the session again.', code: 'session_not_connected', status: 400 },
  );
});

test('All fields that are wrong are named at once', async (t) => {
  const errors = [
    { field: 'to', code: 'required_field', message: 'to is required.' },
    { field: 'text', code: 'required_field', message: 'text is required.' },
  ];
  assert.equal((await told(t, 400, { code: 'required_field', message: '2 fields are wrong.', errors })).message, 'to is required. text is required.');
});

test('The words of the network stand behind ours', async (t) => {
  const { message } = await told(t, 400, {
    code: 'message_rejected',
    message: 'The network refuses it.',
    provider: { code: 21211, message: 'Invalid To.' },
  });
  assert.equal(message, 'The network refuses it. The network says: Invalid To.');
});

test('A failure of the server names the request', async (t) => {
  assert.equal((await told(t, 500, { code: 'internal_error', message: 'Something went wrong.' })).message, 'Something went wrong. (req_1)');
});

test('No error shows the key', async (t) => {
  for (const [status, code] of [
    [401, 'unauthorized'],
    [400, 'invalid_field'],
    [500, 'internal_error'],
    [429, 'rate_limited'],
  ]) {
    assert.ok(!JSON.stringify(await told(t, status, { code, message: 'No.' })).includes('sk_live_test'));
  }
});

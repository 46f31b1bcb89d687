'use strict';

// A person's way through the app, against the real server: connect, choose, subscribe, be told, act, search, end it.
const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { checks, values } = require('../definition');
const { app, bundle, failure, tester } = require('../fake');
const { start, until } = require('./real');

let real;
let sandbox;
let second;
let session;
const hooks = {};
const phone = '15559876543';
const jane = '15551234567';

const given = (inputData = {}, rest = {}) => ({
  ...bundle(real.address, inputData, rest),
  authData: { baseUrl: `${real.address}/`, apiKey: real.key },
});
const run = (step, inputData, rest) => tester(step, given(inputData, rest));
const perform = (kind, key, inputData, rest) => run(app[kind][key].operation.perform, inputData, rest);
const create = (key, inputData, rest) => perform('creates', key, inputData, rest);
const search = (key, inputData) => perform('searches', key, inputData);
const refused = (key, inputData) => failure(app.creates[key].operation.perform, given(inputData));
const inZap = (id) => ({ meta: { zap: { id } } });
const delivered = async (event, wanted = () => true) =>
  (await real.receiver.wait(event, ({ path, body }) => path === `/${event}` && wanted(body))).body;

// likeSample tells that a result has all fields of the sample that the editor shows, and of the types that the output fields name.
const likeSample = (kind, key, result) => {
  const keys = new Set([...values(result)].map(([name]) => name));
  const { sample } = app[kind][key].operation;
  const missing = Object.keys(sample).filter((name) => !keys.has(name));
  assert.deepEqual(missing, [], `${kind}.${key} shows fields that the server does not give`);
  const live = { [kind]: { [key]: { ...app[kind][key], operation: { ...app[kind][key].operation, sample: result } } } };
  assert.deepEqual([...checks['D023 times are ISO 8601 with a zone'](live), ...checks['D024 samples fit the output fields'](live)], []);
};

before(async () => {
  real = await start();
  sandbox = await real.api('POST', '/v1/channels', { connector: 'sandbox', name: 'Try-out', config: { number: '+15550000001' } });
  second = await real.api('POST', '/v1/channels', { connector: 'sandbox', name: 'Second', config: { number: '+15550000002' } });
});
after(() => real?.close());

test('The connection is tested and named', async () => {
  const me = await run(app.authentication.test);
  assert.equal(me.name, 'Example Ltd');
  assert.equal(me.keyName, 'Zapier');
  assert.equal(`http://${me.server}`, real.address);
});

test('A wrong key and a wrong path fail with a sentence', async () => {
  const wrong = await failure(app.authentication.test, { ...given(), authData: { baseUrl: real.address, apiKey: 'sk_live_wrong' } });
  assert.equal(wrong.status, 401);
  assert.match(wrong.message, /[a-z].*\.$/i);
  const elsewhere = await failure(app.authentication.test, { ...given(), authData: { baseUrl: `${real.address}/elsewhere`, apiKey: real.key } });
  assert.equal(elsewhere.status, 404);
});

test('There is a trigger for every event that the server knows', async () => {
  const { data } = await real.api('GET', '/v1/event-types');
  const shown = Object.values(app.triggers)
    .filter((one) => one.operation.type === 'hook')
    .map((one) => one.key);
  assert.deepEqual(shown.sort(), data.map(({ event }) => event.replace('.', '_')).sort());
});

test('Before anything has happened the editor shows the golden sample', async () => {
  for (const { key, operation } of Object.values(app.triggers).filter((one) => one.operation.type === 'hook' && !one.key.startsWith('account'))) {
    assert.deepEqual(await run(operation.performList), [operation.sample], key);
  }
});

test('Every trigger subscribes itself', async () => {
  for (const [key, { operation }] of Object.entries(app.triggers).filter(([, one]) => one.operation.type === 'hook')) {
    const event = key.replace('_', '.');
    hooks[key] = await run(operation.performSubscribe, {}, { targetUrl: `${real.receiver.address}/${event}`, ...inZap('4711') });
    const webhook = await real.api('GET', `/v1/webhooks/${hooks[key].id}`);
    assert.deepEqual([webhook.events, webhook.channelIds, webhook.status, webhook.description], [[event], [], 'active', 'Zapier, Zap 4711']);
  }
});

test('A message starts the Zap, and the editor sees it in the same form', async () => {
  const { performSubscribe, perform: receive, performList } = app.triggers.message_received.operation;
  hooks.filtered = await run(performSubscribe, { channelIds: [second.id] }, { targetUrl: `${real.receiver.address}/filtered` });
  const text = 'Hi {{bundle.authData.apiKey}}!';
  await real.api('POST', `/v1/channels/${sandbox.id}/simulate`, { from: jane, name: 'Jane Doe', text });
  const body = await delivered('message.received', ({ data }) => data.text === text);
  const [item] = await run(receive, {}, { cleanedRequest: body });
  assert.deepEqual(item, body);
  assert.equal(item.data.from, jane);
  assert.deepEqual(await run(performList, { channelIds: [sandbox.id] }), [body]);
  likeSample('triggers', 'message_received', { sessionId: sandbox.id, ...body });
});

test('A trigger with a channel hears of that channel only, and stands beside the others', async () => {
  await real.api('POST', `/v1/channels/${second.id}/simulate`, { from: jane, text: 'On the second' });
  const { body } = await real.receiver.wait('the filtered delivery', ({ path }) => path === '/filtered');
  assert.equal(body.channelId, second.id);
  assert.deepEqual(await delivered('message.received', ({ channelId }) => channelId === second.id), body);
  assert.ok(real.receiver.got.every(({ path, body: other }) => path !== '/filtered' || other.channelId === second.id));
});

test('A message is sent once, however often Zapier repeats the step', async () => {
  const inputs = { channelId: sandbox.id, to: '15551110000', text: 'Hello' };
  const sent = await create('send_message', inputs, inZap('1'));
  assert.equal(sent.status, 'sent');
  assert.equal(sent.repeated, false);
  likeSample('creates', 'send_message', sent);
  const again = await create('send_message', inputs, inZap('1'));
  assert.deepEqual([again.id, again.repeated], [sent.id, true]);
  const { id } = await create('send_message', { ...inputs, repeatKey: 'evt_2' }, inZap('1'));
  assert.notEqual(id, sent.id);
  assert.equal((await search('find_message', { contact: '15551110000' })).length, 2);
  const status = await delivered('message.status', ({ data }) => data.id === sent.id);
  likeSample('triggers', 'message_status', { sessionId: sandbox.id, ...status, data: { ...status.data, error: undefined } });
});

test('Files go by address', async () => {
  const sent = await create('send_message', { channelId: sandbox.id, to: '15551110000', files: [`${real.receiver.address}/picture.png`] });
  assert.equal(sent.media.length, 1);
});

test('What the network says becomes what Zapier does', async () => {
  for (const [to, name] of [
    ['15551110002', 'ThrottledError'],
    ['15551110003', 'HaltedError'],
    ['15551110005', 'HaltedError'],
    ['15551110006', 'ThrottledError'],
  ]) {
    const told = await refused('send_message', { channelId: sandbox.id, to, text: 'Hello' });
    assert.equal(told.name, name, to);
    assert.match(told.message, /\.$/, to);
  }
  assert.match((await refused('send_message', { channelId: sandbox.id, to: '15551110001', text: 'Hello' })).message, /\.$/);
  assert.match((await refused('send_message', { channelId: 'chan_missing', to: jane, text: 'Hello' })).message, /\.$/);
  assert.match((await refused('send_message', { channelId: sandbox.id, to: jane })).message, /text/);
});

test('A post goes out and is told of', async () => {
  const made = await create(
    'create_post',
    { body: 'Good morning', channelIds: [sandbox.id], files: [`${real.receiver.address}/picture.png`], alts: ['A dot'] },
    inZap('1'),
  );
  likeSample('creates', 'create_post', made);
  assert.equal(made.media[0].alt, 'A dot');
  const body = await delivered('post.published', ({ data }) => data.postId === made.id);
  likeSample('triggers', 'post_published', body);
  const [found] = await search('find_post', { text: 'good MORNING', status: 'published' });
  assert.equal(found.id, made.id);
  likeSample('searches', 'find_post', found);
  const late = await refused('cancel_post', { postId: made.id });
  assert.equal(late.name, 'HaltedError');
});

test('A post that waits can be cancelled, and one that is refused is told of', async () => {
  const publishAt = new Date(Date.now() + 86_400_000).toISOString();
  const { id } = await create('create_post', { body: 'Tomorrow', channelIds: [sandbox.id], publishAt });
  const scheduled = await delivered('post.scheduled', ({ data }) => data.postId === id);
  likeSample('triggers', 'post_scheduled', scheduled);
  const cancelled = await create('cancel_post', { postId: id });
  assert.equal(cancelled.status, 'cancelled');
  likeSample('creates', 'cancel_post', cancelled);
  const bad = await real.api('POST', '/v1/posts', {
    body: 'No',
    channelIds: [sandbox.id],
    overrides: { [sandbox.id]: { options: { outcome: 'rejected' } } },
  });
  likeSample('triggers', 'post_failed', await delivered('post.failed', ({ data }) => data.postId === bad.id));
});

test('A queue is chosen from the list, and takes a post', async () => {
  const queue = await real.api('POST', '/v1/queues', {
    name: 'Every morning',
    timeZone: 'Europe/Berlin',
    slots: [{ weekday: 'mon', time: '09:00' }],
    channelIds: [sandbox.id],
  });
  assert.deepEqual(await perform('triggers', 'list_queues'), [{ id: queue.id, label: 'Every morning' }]);
  const made = await create('create_post', { body: 'Some Monday', queueId: queue.id });
  assert.equal(made.queueId, queue.id);
  assert.deepEqual(
    (await search('find_post', { queueId: queue.id })).map(({ id }) => id),
    [made.id],
  );
  const posts = await perform('triggers', 'list_posts');
  assert.ok(posts.some(({ id, label }) => id === made.id && label.endsWith(': Some Monday')));
});

test('A contact is found or created', async () => {
  const { find_contact: pair } = app.searchOrCreates;
  assert.deepEqual(await search(pair.search, { phone: '+1 (631) 111-2222' }), []);
  const made = await create(
    pair.create,
    { phone: '16311112222', name: 'Emily Johnson', countryCode: '1', facts: { city: 'Ahmedabad' }, blocked: false },
    inZap('1'),
  );
  likeSample('creates', 'create_contact', made);
  assert.deepEqual(JSON.parse(made.extra_fields), { city: 'Ahmedabad' });
  assert.deepEqual(await search(pair.search, { phone: '+1 (631) 111-2222' }), [made]);
  assert.deepEqual(await search(pair.search, { text: 'emily' }), [made]);
  assert.equal((await refused('create_contact', { phone: '16311112222' })).name, 'HaltedError');
});

test('Channels and messages are found, and what is not there is an empty list', async () => {
  const [channel] = await search('find_channel', { text: 'try-out' });
  assert.equal(channel.id, sandbox.id);
  likeSample('searches', 'find_channel', channel);
  const [message] = await search('find_message', { channelId: sandbox.id, direction: 'inbound', text: 'hi ' });
  likeSample('searches', 'find_message', message);
  assert.deepEqual(
    (await search('find_message', { messageId: message.id })).map(({ id }) => id),
    [message.id],
  );
  for (const [key, inputs] of [
    ['find_channel', { text: 'nothing like it' }],
    ['find_session', { text: 'nothing' }],
    ['find_message', { messageId: 'msg_01kaj5v0x7r5t3v1x9z7b5d3f1' }],
    ['find_message', { text: 'nothing like it' }],
    ['find_post', { postId: 'post_01kaj5v0x7p3k6m8q1s4u7w9y2' }],
    ['find_post', { status: 'draft' }],
  ])
    assert.deepEqual(await search(key, inputs), [], key);
});

test('A WhatsApp device is linked, and both triggers of sessions tell of it', async () => {
  await real.whatsapp.steer('/users', { PN: phone, Name: 'Support' });
  await real.whatsapp.steer('/users', { PN: jane, Name: 'Jane Doe' });
  session = await real.api('POST', '/v1/sessions', { name: 'Support phone' });
  const qr = await delivered('session.qr', ({ channelId }) => channelId === session.id);
  likeSample('triggers', 'session_qr', qr);
  await real.whatsapp.steer('/scan', { PN: phone, QR: qr.data.qr });
  const online = await delivered('session.status', ({ channelId, data }) => channelId === session.id && data.status === 'CONNECTED');
  assert.deepEqual(await run(app.triggers.session_status.operation.perform, {}, { cleanedRequest: online }), [online]);
  await until('the session', async () => (await real.api('GET', `/v1/sessions/${session.id}`)).status === 'CONNECTED');
  assert.deepEqual(await perform('triggers', 'list_sessions'), [{ id: session.id, label: `Support phone (${phone})` }]);
  const [found] = await search('find_session', { text: phone });
  likeSample('searches', 'find_session', found);
});

test('A number is checked, and one without an account is an empty list', async () => {
  const [known] = await search('check_number', { sessionId: session.id, number: `+${jane}` });
  assert.equal(known.id, jane);
  likeSample('searches', 'check_number', known);
  assert.deepEqual(await search('check_number', { sessionId: session.id, number: '15550009999' }), []);
});

test('WhatsApp takes a place, a contact and a reaction, and messages are marked as read', async () => {
  await real.whatsapp.steer('/messages', { From: jane, To: phone, Text: 'Where are you?' });
  const { data } = await delivered('message.received', ({ channelId }) => channelId === session.id);
  const to = { channelId: session.id, to: jane };
  assert.equal((await create('send_location', { ...to, latitude: '52.52', longitude: '13.405', name: 'Berlin' })).type, 'location');
  assert.equal((await create('send_contact_card', { ...to, name: 'Emily', phone: '16311112222' })).type, 'contact');
  assert.equal((await create('send_reaction', { ...to, message: data.providerMessageId, emoji: '👍' })).type, 'reaction');
  const inbound = await perform('triggers', 'list_messages');
  assert.ok(inbound.some(({ id, label }) => id === data.id && label.endsWith(': Where are you?')));
  const read = await create('mark_read', { sessionId: session.id, messageIds: [data.id] });
  assert.deepEqual(read, { id: data.id, messageIds: [data.id], read: true });
});

test('A template is refused with a sentence where the channel has none', async () => {
  assert.match((await refused('send_template', { channelId: session.id, to: jane, name: 'welcome' })).message, /\.$/);
});

test('Drop-downs show the channels, the linked device too', async () => {
  const labels = Object.fromEntries((await perform('triggers', 'list_channels')).map(({ id, label }) => [id, label]));
  assert.match(labels[sandbox.id], /^Try-out \(sandbox 15550000001\)/);
  assert.match(labels[session.id], /^Support phone \(whatsapp 15559876543\)/);
  assert.deepEqual(await perform('triggers', 'list_channels', {}, { meta: { page: 1 } }), []);
  const ids = async (list) => (await perform('triggers', list)).map(({ id }) => id);
  assert.ok((await ids('list_sending_channels')).includes(session.id));
  const publishing = await ids('list_publishing_channels');
  assert.ok(publishing.includes(sandbox.id) && !publishing.includes(session.id), 'a linked device publishes nothing');
});

test('A channel that begins to work, one whose credentials fail, and a Zap that is gone are told of', async () => {
  const third = await real.api('POST', '/v1/channels', { connector: 'sandbox', name: 'Third', config: { number: '+15550000003' } });
  await create('send_message', { channelId: third.id, to: '15551110000', text: 'Hello' });
  likeSample('triggers', 'account_connected', await delivered('account.connected', ({ channelId }) => channelId === third.id));
  await refused('send_message', { channelId: second.id, to: '15551110004', text: 'Hello' });
  likeSample('triggers', 'account_disconnected', await delivered('account.disconnected', ({ channelId }) => channelId === second.id));
  real.receiver.answers['/gone'] = 410; // what Zapier answers for a Zap that was switched off
  await run(app.triggers.message_received.operation.performSubscribe, { channelIds: [sandbox.id] }, { targetUrl: `${real.receiver.address}/gone` });
  await real.api('POST', `/v1/channels/${sandbox.id}/simulate`, { from: jane, text: 'Anybody there?' });
  const disabled = await delivered('webhook.disabled');
  assert.equal(disabled.data.status, 'unsubscribed');
  likeSample('triggers', 'webhook_disabled', disabled);
});

test('Switching the Zaps off ends their subscriptions, and doing it twice is harmless', async () => {
  const { performUnsubscribe } = app.triggers.message_received.operation;
  for (const [key, subscribeData] of Object.entries(hooks)) {
    await run(app.triggers[key]?.operation.performUnsubscribe ?? performUnsubscribe, {}, { subscribeData });
    await run(performUnsubscribe, {}, { subscribeData });
    await assert.rejects(real.api('GET', `/v1/webhooks/${subscribeData.id}`), /404/);
  }
});

test('A revoked key disconnects the connection', async () => {
  await real.user('DELETE', `/v1/keys/${real.keyId}`);
  const { name, message } = await refused('send_message', { channelId: sandbox.id, to: jane, text: 'Hello' });
  assert.equal(name, 'ExpiredAuthError');
  assert.match(message, /reconnect it with a new key/);
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { idempotencyKey } = require('../../lib/act');
const { app, bundle, failure, server, tester } = require('../fake');

const zap = { meta: { zap: { id: '4711' } } };
const trigger = app.triggers.message_received.operation;

test('A step that Zapier runs again has the same key, and every other step another one', () => {
  const given = (inputData, meta = zap.meta) => ({ inputData, meta });
  const key = idempotencyKey(given({ to: '1', text: 'a' }), 'send_message');
  assert.match(key, /^zapier-4711-[0-9a-f]{64}$/);
  assert.equal(idempotencyKey(given({ text: 'a', to: '1' }), 'send_message'), key);
  for (const other of [
    idempotencyKey(given({ to: '1', text: 'b' }), 'send_message'),
    idempotencyKey(given({ to: '1', text: 'a' }), 'send_template'),
    idempotencyKey(given({ to: '1', text: 'a', repeatKey: 'evt_1' }), 'send_message'),
    idempotencyKey(given({ to: '1', text: 'a' }, { zap: { id: '4712' } }), 'send_message'),
    idempotencyKey(given({ to: '1', text: 'a', files: ['https://example.com/a'] }), 'send_message'),
  ])
    assert.notEqual(other, key);
});

test('With a repeat key, files with a new address make no new step', () => {
  const key = (file) => idempotencyKey({ inputData: { to: '1', files: [file], repeatKey: 'evt_1' }, meta: zap.meta }, 'send_message');
  assert.equal(key('https://example.com/a?1'), key('https://example.com/a?2'));
});

test('A test in the editor and a step outside of a Zap have no key', () => {
  assert.equal(idempotencyKey({ inputData: {}, meta: {} }, 'send_message'), undefined);
  assert.equal(idempotencyKey({ inputData: {} }, 'send_message'), undefined);
  assert.equal(idempotencyKey({ inputData: {}, meta: { zap: { id: '1' }, isLoadingSample: true } }, 'send_message'), undefined);
});

test('A message is sent with its key, and a replay is told apart', async (t) => {
  const { address, requests } = await server(t, () => ({
    headers: { 'Idempotency-Replayed': requests.length > 1 ? 'true' : 'false' },
    body: { id: 'msg_1' },
  }));
  const given = bundle(
    address,
    { channelId: 'chan_1', to: '1', text: 'Hello', files: ['https://example.com/a.jpg'], replyTo: '', repeatKey: 'evt_1' },
    zap,
  );
  assert.deepEqual(await tester(app.creates.send_message.operation.perform, given), { id: 'msg_1', repeated: false });
  assert.deepEqual(await tester(app.creates.send_message.operation.perform, given), { id: 'msg_1', repeated: true });
  assert.deepEqual(requests[0].body, { channelId: 'chan_1', to: '1', text: 'Hello', media: [{ url: 'https://example.com/a.jpg' }] });
  assert.match(requests[0].headers['idempotency-key'], /^zapier-4711-/);
  assert.equal(requests[0].headers['idempotency-key'], requests[1].headers['idempotency-key']);
  assert.equal(requests[0].headers['content-type'], 'application/json');
});

test('A text that looks like a template of Zapier arrives as it was written', async (t) => {
  const { address, requests } = await server(t, () => ({ body: { id: 'msg_1' } }));
  const text = '{{bundle.authData.apiKey}} {{{{process.env.HOME}}}} "{{" \\{{';
  await tester(app.creates.send_message.operation.perform, bundle(address, { channelId: 'chan_1', to: '1', text }));
  assert.equal(requests[0].body.text, text);
});

test('Each kind of message has its own content', async (t) => {
  const { address, requests } = await server(t, () => ({ body: { id: 'msg_1' } }));
  const to = { channelId: 'chan_1', to: '1' };
  const run = async (key, inputData) => {
    await tester(app.creates[key].operation.perform, bundle(address, { ...to, ...inputData }));
    const { channelId, to: recipient, ...content } = requests.at(-1).body;
    assert.deepEqual({ channelId, to: recipient }, to);
    return content;
  };
  assert.deepEqual(await run('send_template', { name: 'welcome', language: 'en', variables: { 1: 'Jane', 2: '' } }), {
    template: { name: 'welcome', language: 'en', variables: { 1: 'Jane' } },
  });
  assert.deepEqual(await run('send_location', { latitude: '0', longitude: 13.405, name: 'Here' }), {
    location: { latitude: 0, longitude: 13.405, name: 'Here' },
  });
  assert.deepEqual(await run('send_contact_card', { name: 'Jane', phone: '15551234567' }), { contact: { name: 'Jane', phone: '15551234567' } });
  assert.deepEqual(await run('send_reaction', { message: '3EB0', emoji: '👍' }), { reaction: { messageId: '3EB0', emoji: '👍' } });
  assert.deepEqual(await run('send_reaction', { message: '3EB0' }), { reaction: { messageId: '3EB0', emoji: '' } });
});

test('A post has its files with their texts, and what is left empty is left out', async (t) => {
  const { address, requests } = await server(t, () => ({ status: 202, body: { id: 'post_1' } }));
  await tester(
    app.creates.create_post.operation.perform,
    bundle(address, {
      body: 'Hello',
      channelIds: ['chan_1', ''],
      files: ['https://example.com/a.jpg', 'https://example.com/b.jpg'],
      alts: ['A boat'],
      draft: false,
      queueId: '',
      overflow: 'split',
    }),
  );
  assert.deepEqual(requests[0].body, {
    body: 'Hello',
    channelIds: ['chan_1'],
    media: [{ url: 'https://example.com/a.jpg', alt: 'A boat' }, { url: 'https://example.com/b.jpg' }],
    overflow: 'split',
    draft: false,
  });
});

test('A subscription names the event, the channels and the pace that Zapier takes', async (t) => {
  const { address, requests } = await server(t, () => ({ status: 201, body: { id: 'wh_1', secret: 'whsec_x' } }));
  const hook = { targetUrl: 'https://hooks.zapier.com/hooks/standard/1/2/', meta: zap.meta };
  assert.deepEqual(await tester(trigger.performSubscribe, bundle(address, { channelIds: ['chan_1'] }, hook)), { id: 'wh_1' });
  assert.deepEqual(requests[0].body, {
    url: hook.targetUrl,
    events: ['message.received'],
    channelIds: ['chan_1'],
    rateLimit: { limit: 30, period: '1s' },
    description: 'Zapier, Zap 4711',
  });
  await tester(trigger.performSubscribe, bundle(address, {}, hook));
  assert.equal('channelIds' in requests[1].body, false);
});

test('Ending a subscription that is gone is no failure, being refused is one', async (t) => {
  const subscribeData = { id: 'wh/1' };
  const gone = await server(t, () => undefined);
  assert.deepEqual(await tester(trigger.performUnsubscribe, bundle(gone.address, {}, { subscribeData })), { id: 'wh/1' });
  assert.equal(gone.requests[0].path, '/v1/webhooks/wh%2F1');
  const refused = await server(t, () => ({ status: 401, body: { code: 'unauthorized', message: 'No.' } }));
  assert.equal((await failure(trigger.performUnsubscribe, bundle(refused.address, {}, { subscribeData }))).name, 'ExpiredAuthError');
  const page = await server(t, () => ({ status: 404, body: '<html></html>' }));
  assert.match((await failure(trigger.performUnsubscribe, bundle(page.address, {}, { subscribeData }))).message, /not from Switchhook/);
  const never = await server(t, () => undefined);
  await tester(trigger.performUnsubscribe, bundle(never.address, {}, { subscribeData: {} }));
  assert.equal(never.requests.length, 0);
});

test('A delivery is passed on as it is, and what is none starts nothing', async (t) => {
  const { address } = await server(t, () => undefined);
  const delivered = {
    id: 'evt_1',
    event: 'message.received',
    channelId: 'chan_1',
    data: { id: 'msg_1', text: 'Hi', media: [] },
    timestamp: '2026-06-29T14:21:07.412Z',
  };
  assert.deepEqual(await tester(trigger.perform, bundle(address, {}, { cleanedRequest: delivered })), [delivered]);
  for (const cleanedRequest of [{}, { querystring: '' }])
    assert.deepEqual(await tester(trigger.perform, bundle(address, {}, { cleanedRequest })), []);
});

test('The editor sees what happened on the chosen channels, newest first, or a sample', async (t) => {
  const row = (id, channelId, second) => ({ id, event: 'message.received', channelId, data: {}, timestamp: `2026-06-29T14:21:0${second}.000Z` });
  const rows = { chan_1: [row('evt_3', 'chan_1', 3), row('evt_1', 'chan_1', 1)], chan_2: [row('evt_2', 'chan_2', 2)], chan_3: [] };
  const { address } = await server(t, ({ path, query }) =>
    path === '/v1/events' ? { body: { data: rows[query.channelId], nextCursor: null } } : { body: app.triggers.message_received.operation.sample },
  );
  const ids = async (channelIds) => (await tester(trigger.performList, bundle(address, { channelIds }))).map(({ id }) => id);
  assert.deepEqual(await ids(['chan_1', 'chan_2']), ['evt_3', 'evt_2', 'evt_1']);
  assert.deepEqual(await ids(['chan_3']), [trigger.sample.id]);
});

test('A drop-down shows page after page, and then nothing', async (t) => {
  const queue = (n) => ({ id: `que_${n}`, name: `Queue ${n}`, status: n === 1 ? 'active' : 'paused' });
  const { address, requests } = await server(t, ({ query }) => ({
    body: query.cursor ? { data: [queue(2)], nextCursor: null } : { data: [queue(1)], nextCursor: 'que_1' },
  }));
  const page = (number) => tester(app.triggers.list_queues.operation.perform, bundle(address, {}, { meta: { page: number } }));
  assert.deepEqual(await page(0), [{ id: 'que_1', label: 'Queue 1' }]);
  assert.equal(requests[0].query.limit, '100');
  assert.deepEqual(await page(1), [{ id: 'que_2', label: 'Queue 2, paused' }]);
  assert.deepEqual(await page(2), []);
});

test('The labels of drop-downs can be told apart', async (t) => {
  const lists = {
    '/v1/channels': { id: 'chan_1', name: 'Support', address: '16311113333', connector: 'twilio_sms', status: 'needs_link' },
    '/v1/sessions': { id: 'sess_1', name: 'Shop', phone: '', status: 'LOGGED_OUT' },
    '/v1/posts': { id: 'post_1', status: 'scheduled', title: '', body: `<p>${'x'.repeat(90)}</p>` },
    '/v1/messages': { id: 'msg_1', from: '15551234567', pushName: '', text: '', type: 'image' },
  };
  const { address } = await server(t, ({ path }) => ({ body: { data: [lists[path]], nextCursor: null } }));
  const label = async (what) => (await tester(app.triggers[`list_${what}`].operation.perform, bundle(address)))[0].label;
  assert.equal(await label('channels'), 'Support (twilio sms 16311113333), needs link');
  assert.equal(await label('sessions'), 'Shop, logged out');
  assert.equal(await label('posts'), `scheduled: ${'x'.repeat(59)}…`);
  assert.equal(await label('messages'), '15551234567: image');
});

test('A search by id that finds nothing is empty, and one that is refused is an error', async (t) => {
  const { address } = await server(t, () => undefined);
  assert.deepEqual(await tester(app.searches.find_post.operation.perform, bundle(address, { postId: 'post_1' })), []);
  assert.deepEqual(await tester(app.searches.find_message.operation.perform, bundle(address, { messageId: 'msg_1' })), []);
  const wrong = await server(t, () => ({ status: 404, body: '<html></html>' }));
  assert.match((await failure(app.searches.find_post.operation.perform, bundle(wrong.address, { postId: 'post_1' }))).message, /not from Switchhook/);
});

test('A search without anything to search for says so', async (t) => {
  const { address, requests } = await server(t, () => ({ body: { data: [], nextCursor: null } }));
  assert.match((await failure(app.searches.find_contact.operation.perform, bundle(address))).message, /Give a phone number/);
  assert.equal(requests.length, 0);
});

test('A channel whose name is the whole text stands before those that contain it', async (t) => {
  const rows = ['Shop Berlin', 'Shop'].map((name, index) => ({ id: `chan_${index}`, name, address: '', connector: 'sandbox', channelKey: '' }));
  const { address } = await server(t, () => ({ body: { data: rows, nextCursor: null } }));
  const found = await tester(app.searches.find_channel.operation.perform, bundle(address, { text: ' shop ' }));
  assert.deepEqual(
    found.map(({ name }) => name),
    ['Shop', 'Shop Berlin'],
  );
});

// A scenario's life against the real server: connect, choose, subscribe, be told, act, search, end it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Player } from '../../player/player.mjs';
import { folder } from '../files.mjs';
import { start, until } from './real.mjs';

const phone = '15559876543';
const jane = '15551234567';

let real;
let player;
let sandbox;
let second;
let session;
const webhooks = {};

const refused = async (run) => {
  const error = await run.then(
    () => undefined,
    (reason) => reason,
  );
  assert.equal(error?.name, 'ImlError', String(error?.stack ?? 'nothing was refused'));
  assert.match(error.message, /\.$/);
  return error;
};
const one = async (module, given) => {
  const bundles = await player.run(module, given);
  assert.equal(bundles.length, 1, module);
  return bundles[0];
};

const KINDS = { text: 'string', date: 'string', uinteger: 'number', integer: 'number', number: 'number', boolean: 'boolean', filename: 'string' };
const fits = (value, fields, where) => {
  for (const [name, part] of Object.entries(value)) {
    const field = fields.find((candidate) => candidate.name === name);
    assert.ok(field, `${where} has no field ${name}`);
    if (part === null) continue;
    if (KINDS[field.type]) assert.equal(typeof part, KINDS[field.type], `${where}.${name}`);
    if (field.type === 'array') {
      assert.ok(Array.isArray(part), `${where}.${name}`);
      if (Array.isArray(field.spec)) for (const item of part) fits(item, field.spec, `${where}.${name}`);
    }
    if (field.type === 'collection' && field.spec) fits(part, field.spec, `${where}.${name}`);
  }
};

// described runs a module and tells whether its bundles are what the editor shows of it.
const described = (module, bundle) => {
  fits(bundle, player.app.module[module].interface, module);
  return bundle;
};
const acted = async (module, given) => described(module, await one(module, given));

// started waits for a delivery to a trigger's webhook, and returns the bundle that it starts a scenario with.
const started = async (trigger, wanted = () => true) => {
  const id = player.app.module[trigger].webhook;
  const delivery = await until(`a delivery to ${trigger}`, () => real.hooks.got.find(({ path, body }) => path === `/${id}` && wanted(body)));
  return described(trigger, player.receive(webhooks[id], delivery.body));
};

before(async () => {
  real = await start();
  player = new Player(folder);
  sandbox = await real.api('POST', '/v1/channels', { connector: 'sandbox', name: 'Try-out', config: { number: '+15550000001' } });
  second = await real.api('POST', '/v1/channels', { connector: 'sandbox', name: 'Second', config: { number: '+15550000002' } });
});
after(() => real?.close());

test('What is no Switchhook server, or no key, is refused with a sentence, and no connection is made', async () => {
  const connect = (baseUrl, apiKey = real.key) => refused(player.connect({ baseUrl, apiKey }));
  const wrong = await connect(real.address, 'sk_live_wrong');
  assert.equal(wrong.type, 'InvalidAccessTokenError');
  assert.match(wrong.message, /^\[401\] [A-Z]/);
  assert.match((await connect(`${real.address}/elsewhere`)).message, /^\[404\] [A-Z]/);
  assert.equal((await connect(`${real.hooks.address}/page`)).type, 'DataError'); // a page in place of JSON cannot be read
  assert.match((await connect(`${real.hooks.address}/down`)).message, /does not run or does not answer\. Start it, then try again\.$/);
  assert.equal((await connect(`${real.hooks.address}/moved`)).type, 'DataError');
  await assert.rejects(player.connect({ baseUrl: real.address }), /required parameter 'apiKey'/);
  await assert.rejects(player.connect({ baseUrl: 'http://127.0.0.1:1', apiKey: real.key }), { type: 'ConnectionError' });
});

test('A connection is tested and named, whether a slash ends its address or not', async () => {
  assert.equal(await player.connect({ baseUrl: real.address, apiKey: real.key }), 'Example Ltd (Make)');
  assert.equal(await player.connect({ baseUrl: `${real.address}/`, apiKey: ` ${real.key} ` }), 'Example Ltd (Make)');
});

test('Lists show what can be chosen', async () => {
  const labels = ['Second (sandbox 15550000002)', 'Try-out (sandbox 15550000001)'];
  for (const list of ['listChannels', 'listSendingChannels', 'listPostingChannels'])
    assert.deepEqual((await player.rpc(list)).map(({ label }) => label).sort(), labels, list);
  assert.deepEqual((await player.rpc('listChannels')).map(({ value }) => value).sort(), [sandbox.id, second.id].sort());
  assert.deepEqual(await player.rpc('listSessions'), []);
  assert.deepEqual(await player.rpc('listQueues'), []);
  const events = (await player.rpc('listEventTypes')).map(({ value }) => value);
  const attached = Object.values(player.app.webhook)
    .flatMap(({ attach }) => attach.body.events)
    .filter((event) => !event.startsWith('{{'));
  assert.deepEqual(events.sort(), attached.sort());
});

test('Every trigger subscribes itself, to its event and the channels that were chosen', async () => {
  for (const [id, { attach, params }] of Object.entries(player.app.webhook)) {
    const wanted = id === 'messages' ? { channelIds: [sandbox.id] } : {};
    const given = params.some(({ name }) => name === 'events') ? { events: ['message.received', 'post.failed'] } : wanted;
    webhooks[id] = await player.attach(id, given, `${real.hooks.address}/${id}`);
    const kept = await real.api('GET', `/v1/webhooks/${webhooks[id].externalHookId}`);
    assert.deepEqual([kept.url, kept.status, kept.description], [webhooks[id].url, 'active', attach.body.description], id);
    assert.deepEqual(kept.events, given.events ?? attach.body.events, id);
    assert.deepEqual(kept.channelIds, given.channelIds ?? [], id);
  }
  const { message } = await refused(player.attach('messages', { channelIds: ['chan_missing'] }, `${real.hooks.address}/x`));
  assert.match(message, /^\[4\d\d\] [A-Z]/);
});

test('A message starts a scenario, which answers it, and the answer’s status starts another', async () => {
  await real.api('POST', `/v1/channels/${second.id}/simulate`, { from: jane, name: 'Jane Doe', text: 'To the other one' });
  await real.api('POST', `/v1/channels/${sandbox.id}/simulate`, { from: jane, name: 'Jane Doe', text: 'Hi {{body}} "there"!' });
  const message = await started('watchMessages');
  assert.deepEqual([message.event, message.channelId, message.data.text], ['message.received', sandbox.id, 'Hi {{body}} "there"!']);
  const sent = await acted('sendMessage', {
    channelId: message.channelId,
    to: message.data.from,
    text: `You said: ${message.data.text}`,
    media: [{ url: `${real.hooks.address}/picture.png` }],
  });
  assert.equal(sent.text, 'You said: Hi {{body}} "there"!');
  assert.equal(sent.media.length, 1);
  const status = await started('watchMessageStatuses', ({ data }) => data.id === sent.id);
  assert.equal(status.data.status, 'sent');
  const any = await started('watchEvents', ({ channelId }) => channelId === second.id);
  assert.equal(any.data.text, 'To the other one');
  assert.equal((await acted('getMessage', { messageId: sent.id })).id, sent.id);
  assert.deepEqual(
    real.hooks.got.filter(({ path, body }) => path === '/messages' && body.channelId !== sandbox.id),
    [],
  );
});

test('A step that is run again acts once', async () => {
  const given = { channelId: sandbox.id, to: jane, text: 'Once', idempotencyKey: 'evt_1' };
  assert.equal((await one('sendMessage', given)).id, (await one('sendMessage', given)).id);
  assert.notEqual((await one('sendMessage', { ...given, idempotencyKey: '' })).id, (await one('sendMessage', given)).id);
});

test('What a network says becomes what Make acts on', async () => {
  const types = {};
  for (const outcome of ['0001', '0002', '0003', '0005', '0006'])
    types[outcome] = (await refused(player.run('sendMessage', { channelId: sandbox.id, to: `1555111${outcome}`, text: 'Hello' }))).type;
  assert.deepEqual(types, { '0001': 'DataError', '0002': 'RateLimitError', '0003': 'RuntimeError', '0005': 'DataError', '0006': 'ConnectionError' });
});

test('All fields that are wrong are named at once', async () => {
  const { type, message } = await refused(player.run('sendMessage', { channelId: sandbox.id, to: 'nobody at all', text: 'x'.repeat(5000) }));
  assert.equal(type, 'DataError');
  assert.match(message, /^\[400\] /);
  const contact = await refused(player.run('createContact', { phone_number: 'none', extra_fields: 'none' }));
  assert.match(contact.message, /phone_number.*extra_fields|extra_fields.*phone_number/);
});

test('A post goes out and is told of, and one that fails can be tried again', async () => {
  const made = await acted('createPost', {
    channelIds: [sandbox.id],
    title: 'Hello',
    body: 'Good morning',
    media: [{ url: `${real.hooks.address}/picture.png`, alt: 'A dot' }],
  });
  assert.equal(made.media[0].alt, 'A dot');
  await started('watchPublishedPosts', ({ data }) => data.postId === made.id);
  assert.equal((await acted('getPost', { postId: made.id })).status, 'published');
  assert.equal((await refused(player.run('cancelPost', { postId: made.id }))).type, 'DataError');
  const bad = await real.api('POST', '/v1/posts', {
    body: 'No',
    channelIds: [sandbox.id],
    overrides: { [sandbox.id]: { options: { outcome: 'rejected' } } },
  });
  const failed = await started('watchFailedPosts', ({ data }) => data.postId === bad.id);
  assert.equal(failed.data.status, 'failed');
  assert.equal((await acted('retryPost', { postId: bad.id })).id, bad.id);
});

test('A post waits for its time or its turn, and can be cancelled', async () => {
  const publishAt = new Date(Date.now() + 86_400_000);
  const made = await acted('createPost', { channelIds: [sandbox.id], body: 'Tomorrow', publishAt });
  assert.equal(made.publishAt, publishAt.toISOString());
  await started('watchScheduledPosts', ({ data }) => data.postId === made.id);
  assert.equal((await acted('cancelPost', { postId: made.id })).status, 'cancelled');
  const queue = await real.api('POST', '/v1/queues', {
    name: 'Every morning',
    timeZone: 'Europe/Berlin',
    slots: [{ weekday: 'mon', time: '09:00' }],
    channelIds: [sandbox.id],
  });
  assert.deepEqual(await player.rpc('listQueues'), [{ label: 'Every morning', value: queue.id }]);
  assert.equal((await acted('listQueues', {})).id, queue.id);
  const waiting = await acted('createPost', { queueId: queue.id, body: 'Some Monday' });
  assert.equal((await acted('listPosts', { queueId: queue.id })).id, waiting.id);
  assert.equal((await player.run('listPosts', { status: 'cancelled' })).length, 1);
});

test('Contacts are made, found, changed and removed', async () => {
  const made = await acted('createContact', {
    phone_number: '16311112222',
    name: 'Emily Johnson',
    extra_fields: '{"city": "Ahmedabad"}',
    is_blocked: 0,
  });
  assert.equal((await acted('getContact', { contactId: made.id })).name, 'Emily Johnson');
  const changed = await acted('updateContact', { contactId: made.id, is_blocked: 1 });
  assert.deepEqual([changed.name, changed.is_blocked], ['Emily Johnson', 1]);
  assert.equal((await acted('searchContacts', { q: 'emily' })).id, made.id);
  assert.equal((await acted('searchContacts', { phone_number: '16311112222' })).id, made.id);
  assert.equal((await refused(player.run('createContact', { phone_number: '16311112222' }))).type, 'DataError');
  assert.deepEqual(await acted('deleteContact', { contactId: made.id }), { id: made.id, deleted: true });
  assert.equal((await refused(player.run('getContact', { contactId: made.id }))).type, 'DataError');
  assert.deepEqual(await player.run('searchContacts', { q: 'emily' }), []);
});

test('A search reads as many pages as its limit needs, and no more', async () => {
  for (let number = 0; number < 103; number += 1)
    await real.api('POST', '/v1/contacts', { phone_number: String(16320000000 + number), name: 'Page' });
  const before = player.log.length;
  const ids = (bundles) => new Set(bundles.map(({ id }) => id)).size;
  assert.equal(ids(await player.run('searchContacts', { q: 'Page', limit: 200 })), 103);
  assert.equal(player.log.length - before, 2);
  assert.equal(ids(await player.run('searchContacts', { q: 'Page', limit: 101 })), 101);
  assert.equal(ids(await player.run('searchContacts', { q: 'Page', limit: 7 })), 7);
  assert.equal(ids(await player.run('searchContacts', { q: 'Page' })), 10);
  assert.equal(player.log.length - before, 6);
});

test('A WhatsApp device is linked by its QR code, and both triggers tell of it', async () => {
  await real.whatsapp.steer('/users', { PN: phone, Name: 'Support' });
  await real.whatsapp.steer('/users', { PN: jane, Name: 'Jane Doe' });
  session = await acted('createSession', { name: 'Support phone' });
  const sessionId = session.id;
  const told = await started('watchQrCodes', ({ channelId }) => channelId === sessionId);
  const { qr, image } = await acted('getSessionQr', { sessionId });
  assert.match(image, /^data:image\/png;base64,/);
  const picture = await acted('downloadSessionQr', { sessionId });
  assert.deepEqual([...picture.data.subarray(1, 4)], [...Buffer.from('PNG')]);
  assert.ok(told.data.qr);
  await real.whatsapp.steer('/scan', { PN: phone, QR: qr });
  await started('watchSessions', ({ channelId, data }) => channelId === sessionId && data.status === 'CONNECTED');
  await until('the session', async () => (await acted('getSession', { sessionId })).status === 'CONNECTED');
  assert.deepEqual(await player.rpc('listSessions'), [{ label: `Support phone (${phone})`, value: sessionId }]);
  assert.equal((await acted('listSessions', {})).phone, phone);
  assert.match((await refused(player.run('getSessionQr', { sessionId }))).message, /^\[409\]/);
});

test('WhatsApp takes media, a place, a contact and a reaction, and numbers are checked', async () => {
  const to = { channelId: session.id, to: jane };
  const sent = await acted('sendWhatsAppMedia', {
    sessionId: session.id,
    to: jane,
    url: `${real.hooks.address}/picture.png`,
    contentType: 'image/png',
    text: 'A dot',
  });
  assert.deepEqual([sent.type, sent.text], ['image', 'A dot']);
  assert.equal((await acted('sendLocation', { ...to, latitude: '52.52', longitude: '13.405', name: 'Berlin' })).type, 'location');
  assert.equal((await acted('sendContact', { ...to, name: 'Emily', phone: '16311112222' })).type, 'contact');
  assert.equal((await acted('sendReaction', { ...to, messageId: sent.providerMessageId, emoji: '👍' })).type, 'reaction');
  assert.equal((await refused(player.run('sendTemplate', { ...to, name: 'welcome', variables: [{ key: '1', value: 'Jane' }] }))).type, 'DataError');
  const found = await player.run('checkNumbers', { sessionId: session.id, numbers: [`+${jane}`, '15550009999'] });
  assert.deepEqual(
    found.map((row) => described('checkNumbers', row).exists),
    [true, false],
  );
});

test('A device is linked by a code too, and logged out', async () => {
  await real.whatsapp.steer('/users', { PN: '15557770000', Name: 'Sales' });
  const other = await acted('createSession', {});
  await started('watchQrCodes', ({ channelId }) => channelId === other.id);
  const { code } = await acted('pairSession', { sessionId: other.id, phoneNumber: '15557770000' });
  assert.match(code, /^\w{4}-\w{4}$/);
  assert.equal((await acted('logoutSession', { sessionId: session.id })).status, 'LOGGED_OUT');
});

test('Messages, channels and events are listed', async () => {
  const inbound = await player.run('listMessages', { channelId: sandbox.id, direction: 'inbound', contact: jane });
  assert.deepEqual(
    inbound.map((row) => described('listMessages', row).text),
    ['Hi {{body}} "there"!'],
  );
  for (const row of await player.run('listChannels', {})) described('listChannels', row);
  const events = await player.run('listEvents', { event: 'message.received', channelId: sandbox.id, since: new Date(0) });
  assert.deepEqual(
    events.map((row) => described('listEvents', row).event),
    ['message.received'],
  );
  const sample = await acted('getSampleEvent', { event: 'message.received' });
  assert.deepEqual(sample, player.app.module.watchMessages.samples);
});

test('Any other request is made on the connection’s own server only', async () => {
  const call = (given) => one('makeApiCall', given);
  const { statusCode, body } = await call({ url: '/v1/channels', qs: [{ key: 'limit', value: '1' }] });
  assert.deepEqual([statusCode, body.data.length], [200, 1]);
  const made = await call({
    url: 'v1/queues',
    method: 'POST',
    body: JSON.stringify({ name: 'Evenings', timeZone: 'UTC', slots: [{ weekday: 'fri', time: '18:00' }], channelIds: [sandbox.id] }),
  });
  assert.deepEqual([made.statusCode, made.body.name], [201, 'Evenings']);
  const removed = await call({ url: `/v1/queues/${made.body.id}`, method: 'DELETE' });
  assert.ok([200, 204].includes(removed.statusCode));
  const seen = real.hooks.got.length;
  await refused(player.run('makeApiCall', { url: `${real.hooks.address}/steal`, method: 'POST', body: '{}' }));
  assert.equal(
    real.hooks.got.slice(seen).some(({ path }) => path === '/steal'),
    false,
  );
});

test('A channel is checked, and what becomes of channels and webhooks is told of', async () => {
  assert.equal((await acted('checkChannel', { channelId: sandbox.id })).ok, true);
  assert.equal((await refused(player.run('sendMessage', { channelId: second.id, to: '15551110004', text: 'Hello' }))).type, 'DataError');
  await started('watchDisconnectedChannels', ({ channelId }) => channelId === second.id);
  await started('watchConnectedChannels');
  await player.attach('messages', { channelIds: [sandbox.id] }, `${real.hooks.address}/gone`); // what Make answers for a webhook that it has given up
  await real.api('POST', `/v1/channels/${sandbox.id}/simulate`, { from: jane, text: 'Anybody there?' });
  assert.equal((await started('watchDisabledWebhooks')).data.status, 'unsubscribed');
});

test('Every trigger ends its subscription', async () => {
  for (const webhook of Object.values(webhooks)) {
    await player.detach(webhook);
    await assert.rejects(real.api('GET', `/v1/webhooks/${webhook.externalHookId}`), /404/);
    assert.match((await refused(player.detach(webhook))).message, /^\[404\]/);
  }
});

test('A revoked key fails with a sentence, in every step', async () => {
  await real.user('DELETE', `/v1/keys/${real.keyId}`);
  for (const step of [
    () => player.run('sendMessage', { channelId: sandbox.id, to: jane, text: 'Hello' }),
    () => player.run('listChannels', {}),
    () => player.rpc('listChannels'),
  ]) {
    assert.equal((await refused(step())).type, 'InvalidAccessTokenError');
  }
});

test('A page in place of the server fails in every module', async () => {
  player.connection = { baseUrl: real.hooks.address, apiKey: 'sk_live_x' };
  for (const step of [
    () => player.run('listChannels', {}),
    () => player.run('getPost', { postId: 'post_1' }),
    () => player.run('downloadSessionQr', { sessionId: 'sess_1' }),
    () => player.rpc('listChannels'),
  ]) {
    assert.match((await refused(step())).type, /DataError|InvalidConfigurationError/);
  }
});

test('No key and no secret stands in what Make logs', () => {
  const text = JSON.stringify(player.log);
  assert.ok(player.log.length > 100);
  assert.ok(!text.includes(real.key));
  assert.deepEqual(text.match(/(whsec_|sk_live_)\w+/g), null);
});

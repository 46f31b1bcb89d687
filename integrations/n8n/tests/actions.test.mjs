// The action node against a real server.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';

import { startServer, startWhatsApp, until } from './server.mjs';
import { built, context } from './stub.mjs';

const { Switchhook } = built('nodes/Switchhook/Switchhook.node.js');
const type = new Switchhook();
let server;
let phones;

before(async () => {
	phones = await startWhatsApp();
	server = await startServer(phones.env);
});
after(async () => {
	await server?.stop();
	await phones?.stop();
});

const byId = (value) => ({ __rl: true, mode: 'id', value });

/** What the node makes of parameters; `more` goes to the context. */
async function run(given, more = {}) {
	const ctx = context({
		type,
		given,
		credentials: { baseUrl: `${server.url}/`, apiKey: server.key },
		facts: { execution: crypto.randomUUID() },
		...more,
	});
	const [output] = await type.execute.call(ctx);
	return Object.assign(output, { ctx });
}

const message = (operation, given) => ({ resource: 'message', operation, channelId: byId(server.channel.id), to: '15551234567', ...given });

/** The rejection of a run. */
async function refused(given, more) {
	try {
		await run(given, more);
	} catch (error) {
		return error;
	}
	throw new Error('it was not refused');
}

test('a text goes out and can be looked up and listed', async () => {
	const [sent] = await run(message('sendText', { text: 'Hello' }));
	assert.equal(sent.json.status, 'sent');
	assert.deepEqual(sent.pairedItem, { item: 0 });
	const [got] = await run({ resource: 'message', operation: 'get', switchhookMessageId: sent.json.id });
	assert.equal(got.json.text, 'Hello');
	const listed = await run({ resource: 'message', operation: 'getAll', filters: { direction: 'outbound', channelId: server.channel.id } });
	assert.ok(listed.some(({ json }) => json.id === sent.json.id));
});

test('a reply names the message that it answers', async () => {
	const [sent] = await run(message('reply', { text: 'Yes', messageId: 'sbx_1' }));
	const { replyTo } = await server.call('GET', `/v1/messages/${sent.json.id}`);
	assert.equal(replyTo, 'sbx_1');
});

test('media, templates, locations, contacts and reactions are sent as the server wants them, or refused in its own words', async () => {
	const files = createServer((request, response) => response.setHeader('Content-Type', 'image/png').end(picture)).listen(0, '127.0.0.1');
	await once(files, 'listening');
	const url = `http://127.0.0.1:${files.address().port}/a.png`;
	const bodies = [];
	for (const given of [
		message('sendMedia', { mediaUrls: url, caption: 'Look', mediaOptions: { fileName: 'soup.png' } }),
		message('sendTemplate', {
			templateName: 'reminder',
			variables: { variable: [{ name: '1', value: 'Jane' }] },
			templateOptions: { language: 'en', variablesJson: '{"2": 3}' },
		}),
		message('sendLocation', { latitude: 52.5163, longitude: 13.3777, locationOptions: { name: 'Gate' } }),
		message('sendContact', { contactName: 'Jane', contactPhone: '15557654321' }),
		message('react', { messageId: 'sbx_1', emoji: '👍' }),
	]) {
		const out = await run(given, { facts: { goOn: true, execution: crypto.randomUUID() } });
		const { body } = out.ctx.state.requests[0];
		bodies.push(body);
		const { json } = out[0];
		assert.ok(json.status === 'sent' || /cannot do that/.test(json.error), JSON.stringify(json));
	}
	files.close();
	assert.deepEqual(bodies[0].media, [{ url, fileName: 'soup.png' }]);
	assert.equal(bodies[0].text, 'Look');
	assert.deepEqual(bodies[1].template, { name: 'reminder', language: 'en', variables: { 1: 'Jane', 2: '3' } });
	assert.deepEqual(bodies[2].location, { latitude: 52.5163, longitude: 13.3777, name: 'Gate' });
	assert.deepEqual(bodies[3].contact, { name: 'Jane', phone: '15557654321' });
	assert.deepEqual(bodies[4].reaction, { messageId: 'sbx_1', emoji: '👍' });
});

test('running an execution again sends nothing twice, and sends what failed', async () => {
	const kept = {};
	const items = [{ json: {} }, { json: {} }];
	const given = (second) => [message('sendText', { text: 'one' }), message('sendText', { text: 'two', to: second })];
	const ran = async (second) => {
		const ctx = context({
			type,
			given: given(second),
			items,
			credentials: { baseUrl: server.url, apiKey: server.key },
			facts: { kept, goOn: true, execution: crypto.randomUUID() },
		});
		return (await type.execute.call(ctx))[0];
	};
	const [first, failed] = await ran('15550000001');
	assert.equal(failed.json.error, 'Switchhook cannot take these values: to');
	const [again, mended] = await ran('15551112222');
	assert.equal(again.json.id, first.json.id);
	assert.equal(mended.json.status, 'sent');
	assert.deepEqual(mended.pairedItem, { item: 1 });
});

test('where the network asks for fewer messages, the node waits as long as it says and tries again', async () => {
	const error = await refused(message('sendText', { text: 'x', to: '15550000002' }));
	assert.equal(error.message, 'The network wants fewer messages');
	assert.equal(error.httpCode, '429');
});

test('a refused item says what is wrong with it, and what follows goes on where the node may', async () => {
	const error = await refused(message('sendText', { text: 'x', to: '15550000005' }));
	assert.equal(error.message, 'The person has to write first');
	assert.match(error.description, /Request req_/);
	const empty = await refused(message('sendText', { text: '', to: '' }));
	assert.match(empty.message, /Switchhook cannot take these values: .*to/);
	const none = await refused({ ...message('sendText', { text: 'x' }), channelId: byId('') });
	assert.equal(none.message, 'Choose a channel');
	const foreign = await refused({ ...message('sendText', { text: 'x' }), channelId: byId('chan_unknown') });
	assert.equal(foreign.httpCode, '404');
	const items = [{ json: {} }, { json: {} }];
	const given = [message('sendText', { text: 'x', to: '15550000005' }), message('sendText', { text: 'y' })];
	const out = await run(given, { items, facts: { goOn: true, execution: crypto.randomUUID() } });
	assert.equal(out[0].json.error, 'The person has to write first');
	assert.equal(out[1].json.status, 'sent');
});

test('a wrong, a foreign and an unreachable base URL, and a bad key, are told apart in plain words', async () => {
	const web = createServer((request, response) => {
		if (request.url.startsWith('/moved')) response.writeHead(301, { Location: 'https://elsewhere.example.com/' }).end();
		else if (request.url.startsWith('/json')) response.setHeader('Content-Type', 'application/json').end('{"ok":true}');
		else response.setHeader('Content-Type', 'text/html').end('<html><body>A shop</body></html>');
	}).listen(0, '127.0.0.1');
	await once(web, 'listening');
	const base = `http://127.0.0.1:${web.address().port}`;
	const given = { resource: 'channel', operation: 'getAll' };
	const of = (baseUrl, apiKey = server.key) => refused(given, { credentials: { baseUrl, apiKey } });
	assert.equal((await of(base)).message, 'The Base URL does not lead to Switchhook');
	assert.equal((await of(`${base}/json`)).message, 'The Base URL does not lead to Switchhook');
	assert.match((await of(`${base}/moved`)).description, /elsewhere\.example\.com/);
	web.close();
	assert.equal((await of('shop.example.com')).message, 'The credential has no usable Base URL');
	assert.equal((await of('http://127.0.0.1:1')).message, 'Switchhook cannot be reached');
	const bad = await of(server.url, 'sk_live_wrong');
	assert.equal(bad.message, 'Switchhook does not accept the API key');
	assert.match(bad.description, /enter a key that exists/);
});

test('contacts are made, found, changed and deleted', async () => {
	const [made] = await run({
		resource: 'contact',
		operation: 'create',
		phoneNumber: '15553334444',
		contactFields: { name: 'Jane', extraFields: '{"city":"Berlin"}' },
	});
	const id = byId(made.json.id);
	assert.deepEqual(JSON.parse(made.json.extra_fields), { city: 'Berlin' });
	const found = await run({ resource: 'contact', operation: 'getAll', filters: { q: 'Jan' } });
	assert.deepEqual(
		found.map(({ json }) => json.id),
		[made.json.id],
	);
	const [changed] = await run({ resource: 'contact', operation: 'update', contactId: id, updateFields: { name: 'Jane Doe', isBlocked: true } });
	assert.equal(changed.json.name, 'Jane Doe');
	assert.equal(changed.json.is_blocked, 1);
	const search = await type.methods.listSearch.searchContacts.call(
		context({ type, given: {}, credentials: { baseUrl: server.url, apiKey: server.key } }),
		'doe',
	);
	assert.deepEqual(search.results, [{ name: 'Jane Doe · 15553334444', value: String(made.json.id) }]);
	const [deleted] = await run({ resource: 'contact', operation: 'delete', contactId: id });
	assert.deepEqual(deleted.json, { deleted: true });
	assert.equal((await refused({ resource: 'contact', operation: 'get', contactId: id })).httpCode, '404');
	const wrong = await refused({ resource: 'contact', operation: 'create', phoneNumber: '1', contactFields: { extraFields: '{city}' } });
	assert.equal(wrong.message, 'Extra Fields (JSON) is not a JSON object');
});

test('lists are read page by page, to the end or to the limit', async () => {
	for (let n = 0; n < 103; n++) await server.call('POST', '/v1/contacts', { phone_number: `1666000${1000 + n}` });
	const all = await run({ resource: 'contact', operation: 'getAll', returnAll: true, filters: { q: '1666000' } });
	assert.equal(all.length, 103);
	assert.equal(all.ctx.state.requests.length, 2);
	const some = await run({ resource: 'contact', operation: 'getAll', limit: 2, filters: { q: '1666000' } });
	assert.equal(some.length, 2);
	const ctx = context({ type, given: {}, credentials: { baseUrl: server.url, apiKey: server.key } });
	const page = await type.methods.listSearch.searchContacts.call(ctx, '1666000');
	assert.equal(page.results.length, 100);
	const rest = await type.methods.listSearch.searchContacts.call(ctx, '1666000', page.paginationToken);
	assert.equal(rest.results.length, 3);
	assert.equal(rest.paginationToken, undefined);
});

test('files of the workflow go out with a message, beside those from addresses; a repeat is the same message', async () => {
	const binary = { data: { fileName: 'soup.png', mimeType: 'image/png', bytes: picture } };
	const facts = { kept: {}, execution: crypto.randomUUID() };
	const given = message('sendMedia', { binaryFields: 'data', caption: 'Soup' });
	const [sent] = await run(given, { binary, facts });
	assert.equal(sent.json.status, 'sent');
	assert.deepEqual(
		sent.json.media.map(({ contentType, fileName }) => [contentType, fileName]),
		[['image/png', 'soup.png']],
	);
	const file = await fetch(sent.json.media[0].url);
	assert.ok(Buffer.from(await file.arrayBuffer()).equals(picture), 'the file is what was given');
	const [again] = await run(given, { binary, facts });
	assert.equal(again.json.id, sent.json.id);

	const none = await refused(message('sendMedia', {}));
	assert.equal(none.message, 'Give a file');
	assert.match((await refused(message('sendMedia', { binaryFields: 'photo' }))).message, /'photo'/);
});

test('channels are shown, checked, searched and offered by what they can do', async () => {
	const [checked] = await run({ resource: 'channel', operation: 'check', channelId: byId(server.channel.id) });
	assert.equal(checked.json.ok, true);
	const [got] = await run({ resource: 'channel', operation: 'get', channelId: { __rl: true, mode: 'list', value: server.channel.id } });
	assert.equal(got.json.name, 'Try-out');
	const ctx = context({ type, given: {}, credentials: { baseUrl: server.url, apiKey: server.key } });
	const { results } = await type.methods.listSearch.searchChannels.call(ctx, 'try');
	assert.deepEqual(
		results.map(({ value }) => value),
		[server.channel.id],
	);
	assert.deepEqual((await type.methods.listSearch.searchSendingChannels.call(ctx, 'no such')).results, []);
	const offered = await type.methods.loadOptions.getPublishingChannels.call(ctx);
	assert.ok(offered.some(({ name, value }) => value === server.channel.id && name.includes('sandbox')));
});

test('webhooks and their deliveries say what happened to them', async () => {
	const hook = await server.call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:1/nobody', events: ['message.received'], description: 'Nobody' });
	await server.call('POST', `/v1/channels/${server.channel.id}/simulate`, { from: '+15551234567', text: 'Hello' });
	const [listed] = await run({ resource: 'webhook', operation: 'getAll' });
	assert.equal(listed.json.id, hook.id);
	const delivery = await until('the first try', async () => {
		const [found] = await run({ resource: 'webhook', operation: 'getDeliveries', filters: { webhookId: hook.id, status: 'pending' } });
		return found?.json.reason !== '' && found?.json;
	});
	assert.equal(delivery.webhookId, hook.id);
	await server.call('DELETE', `/v1/webhooks/${hook.id}`);
});

// ---- posts ----

const post = (given) => ({ resource: 'post', operation: 'create', body: 'Soup', channelIds: [server.channel.id], ...given });

test('a post goes out with files of the workflow, and a repeat is the same post', async () => {
	const kept = {};
	const binary = { data: { fileName: 'soup.png', mimeType: 'image/png', bytes: picture } };
	const given = post({ binaryFields: 'data', binaryAlts: 'A bowl of soup' });
	const [made] = await run(given, { binary, facts: { kept } });
	assert.equal(made.json.media.length, 1);
	assert.equal(made.json.media[0].alt, 'A bowl of soup');
	const [again] = await run(given, { binary, facts: { kept } });
	assert.equal(again.json.id, made.json.id);
	const published = await until('the post', async () => {
		const [got] = await run({ resource: 'post', operation: 'get', postId: byId(made.json.id) });
		return got.json.status === 'published' && got.json;
	});
	assert.equal(published.targets[0].status, 'published');
});

test('a post with a file that is not there says which', async () => {
	const error = await refused(post({ binaryFields: 'photo' }));
	assert.match(error.message, /'photo'/);
	const none = await refused(post({ channelIds: [] }));
	assert.equal(none.message, 'Choose at least one channel');
});

test('a post can be timed, listed, and cancelled before its time', async () => {
	const [made] = await run(post({ body: 'Later', postOptions: { publishAt: '2027-06-29T14:30:00', title: 'Menu', overflow: 'truncate' } }));
	assert.equal(made.json.publishAt, '2027-06-29T12:30:00.000Z');
	const listed = await run({ resource: 'post', operation: 'getAll', filters: { status: 'scheduled' } });
	assert.deepEqual(
		listed.map(({ json }) => json.id),
		[made.json.id],
	);
	const ctx = context({ type, given: {}, credentials: { baseUrl: server.url, apiKey: server.key } });
	const { results } = await type.methods.listSearch.searchPosts.call(ctx, 'menu');
	assert.equal(results[0].value, made.json.id);
	const [gone] = await run({ resource: 'post', operation: 'cancel', postId: byId(made.json.id) });
	assert.equal(gone.json.status, 'cancelled');
});

test('what failed can be published again', async () => {
	const overrides = { [server.channel.id]: { options: { outcome: 'rejected' } } };
	const [made] = await run(post({ body: 'No', postOptions: { overrides: JSON.stringify(overrides) } }));
	await until('the failure', async () => (await server.call('GET', `/v1/posts/${made.json.id}`)).status === 'failed');
	const [again] = await run({ resource: 'post', operation: 'retry', postId: byId(made.json.id) });
	assert.equal(again.json.id, made.json.id);
});

test('a queue takes posts and shows what waits in it', async () => {
	const queue = await server.call('POST', '/v1/queues', {
		name: 'Mornings',
		timeZone: 'Europe/Berlin',
		slots: [{ weekday: 'mon', time: '09:00' }],
		channelIds: [server.channel.id],
	});
	const [made] = await run(post({ destination: 'queue', queueId: byId(queue.id) }));
	assert.equal(made.json.queueId, queue.id);
	const slots = await run({ resource: 'queue', operation: 'preview', queueId: byId(queue.id), slots: 3 });
	assert.equal(slots.length, 3);
	assert.equal(slots[0].json.posts[0].id, made.json.id);
	const listed = await run({ resource: 'queue', operation: 'getAll' });
	assert.deepEqual(
		listed.map(({ json }) => json.name),
		['Mornings'],
	);
	const ctx = context({ type, given: {}, credentials: { baseUrl: server.url, apiKey: server.key } });
	assert.deepEqual((await type.methods.listSearch.searchQueues.call(ctx, 'morn')).results, [{ name: 'Mornings', value: queue.id }]);
	assert.deepEqual(await type.methods.loadOptions.getQueues.call(ctx), [{ name: 'Mornings', value: queue.id }]);
});

// ---- WhatsApp sessions ----

test('a session is made, its QR code is a picture, a phone scans it, and numbers can be checked', async () => {
	await phones.tell('/users', { PN: '15559990001', Name: 'Shop' });
	await phones.tell('/users', { PN: '15559990002', Name: 'Jane' });
	const [made] = await run({ resource: 'session', operation: 'create', sessionName: 'Shop phone' });
	const sessionId = byId(made.json.id);
	const [code] = await run({ resource: 'session', operation: 'getQr', sessionId, binaryField: 'qr' });
	assert.equal(code.binary.qr.mimeType, 'image/png');
	assert.equal(code.binary.qr.bytes.subarray(1, 4).toString(), 'PNG');
	await phones.tell('/scan', { PN: '15559990001', QR: code.json.qr });
	await until('the session', async () => {
		const [got] = await run({ resource: 'session', operation: 'get', sessionId });
		return got.json.status === 'CONNECTED';
	});
	const numbers = await run({ resource: 'session', operation: 'checkNumbers', sessionId, numbers: '15559990002, 15559990003' });
	assert.deepEqual(
		numbers.map(({ json }) => json.exists),
		[true, false],
	);
	const [sent] = await run({ ...message('sendText', { text: 'Hello', to: '15559990002' }), channelId: sessionId });
	assert.equal(sent.json.to, '15559990002');
	const late = await refused({ resource: 'session', operation: 'getQr', sessionId });
	assert.equal(late.httpCode, '409');
	assert.match(late.description, /There is no QR code/);
	const listed = await run({ resource: 'session', operation: 'getAll', returnAll: true });
	assert.deepEqual(
		listed.map(({ json }) => json.name),
		['Shop phone'],
	);
	const ctx = context({ type, given: {}, credentials: { baseUrl: server.url, apiKey: server.key } });
	assert.match((await type.methods.listSearch.searchSessions.call(ctx)).results[0].name, /Shop phone · 15559990001 · connected/);
	await run({ resource: 'session', operation: 'logout', sessionId });
	const [out] = await run({ resource: 'session', operation: 'get', sessionId });
	assert.equal(out.json.status, 'LOGGED_OUT');
	await run({ resource: 'session', operation: 'link', sessionId });
});

test('what needs no values can be done without any', async () => {
	const [made] = await run({ resource: 'session', operation: 'create' });
	assert.match(made.json.id, /^sess_/);
	const contact = await server.call('POST', '/v1/contacts', { phone_number: '15558880000', name: 'Jim' });
	const [same] = await run({ resource: 'contact', operation: 'update', contactId: byId(contact.id) });
	assert.equal(same.json.name, 'Jim');
});

test('a phone can be linked by a code to type in', async () => {
	await phones.tell('/users', { PN: '15559990011', Name: 'Bar' });
	const [made] = await run({ resource: 'session', operation: 'create', sessionName: 'Bar phone' });
	const [code] = await run({ resource: 'session', operation: 'pair', sessionId: byId(made.json.id), phoneNumber: '15559990011' });
	assert.match(code.json.code, /\w{4}/);
	await phones.tell('/code', { PN: '15559990011', Code: code.json.code });
	await until('the session', async () => (await server.call('GET', `/v1/sessions/${made.json.id}`)).status === 'CONNECTED');
});

/** A small picture in one colour. */
const picture = (() => {
	const crcs = Array.from({ length: 256 }, (_, n) => Array.from({ length: 8 }).reduce((c) => (c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1), n));
	const crc = (bytes) => (bytes.reduce((c, byte) => crcs[(c ^ byte) & 255] ^ (c >>> 8), -1) ^ -1) >>> 0;
	const chunk = (name, data) => {
		const out = Buffer.alloc(12 + data.length);
		out.writeUInt32BE(data.length);
		out.write(name, 4);
		data.copy(out, 8);
		out.writeUInt32BE(crc(out.subarray(4, 8 + data.length)), 8 + data.length);
		return out;
	};
	const side = 64;
	const head = Buffer.alloc(13);
	head.writeUInt32BE(side);
	head.writeUInt32BE(side, 4);
	head.set([8, 2], 8);
	const rows = Buffer.concat(Array.from({ length: side }, () => Buffer.concat([Buffer.from([0]), Buffer.alloc(side * 3, 0x77)])));
	return Buffer.concat([
		Buffer.from('89504e470d0a1a0a', 'hex'),
		chunk('IHDR', head),
		chunk('IDAT', deflateSync(rows)),
		chunk('IEND', Buffer.alloc(0)),
	]);
})();

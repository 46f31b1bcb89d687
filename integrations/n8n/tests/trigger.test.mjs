// The life of a subscription, and real deliveries, against a real server.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';

import { startServer, until } from './server.mjs';
import { built, context } from './stub.mjs';

const { SwitchhookTrigger } = built('nodes/SwitchhookTrigger/SwitchhookTrigger.node.js');
const type = new SwitchhookTrigger();
const { checkExists, create, delete: remove } = type.webhookMethods.default;
let server;
/** The stand-in for n8n's webhook address: what came to each path, and who takes it. */
let door;
const takers = new Map();

before(async () => {
	server = await startServer();
	door = createServer(async (request, response) => {
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		const taker = takers.get(request.url);
		if (!taker) return response.writeHead(404).end();
		const [code, body] = await taker(request.headers, Buffer.concat(chunks));
		response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
	}).listen(0, '127.0.0.1');
	await once(door, 'listening');
});
after(async () => {
	await server?.stop();
	door?.close();
});

const address = (path) => `http://127.0.0.1:${door.address().port}${path}`;

/** A trigger node in a workflow; its static data lasts as n8n's does. */
function node(path, given = {}, facts = {}) {
	const credentials = { baseUrl: server.url, apiKey: server.key };
	const state = {};
	const hook = (over = {}, mode) => {
		const ctx = context({ type, given: { ...given, ...over }, credentials, facts: { ...facts, ...(mode ? { mode } : {}) } });
		ctx.state.static = state;
		ctx.state.webhookUrl = address(mode ? `${path}-test` : path);
		return ctx;
	};
	const runs = [];
	takers.set(path, async (headers, rawBody) => {
		const ctx = hook();
		Object.assign(ctx.state, { headers, rawBody });
		const result = await type.webhook.call(ctx);
		if (result.noWebhookResponse) return [ctx.state.answer.code, ctx.state.answer.body];
		runs.push(result.workflowData[0][0]);
		return [200, result.webhookResponse];
	});
	takers.set(`${path}-test`, takers.get(path));
	return { hook, state, runs };
}

const stored = (id) => server.call('GET', `/v1/webhooks/${id}`);
const simulate = (text, more) =>
	server.call('POST', `/v1/channels/${server.channel.id}/simulate`, { from: '+15551234567', name: 'Jane', text, ...more });

test('publishing subscribes, a message starts the workflow, unpublishing unsubscribes', async () => {
	const { hook, state, runs } = node('/life');
	assert.equal(await checkExists.call(hook()), false);
	assert.equal(await create.call(hook()), true);
	assert.equal(await checkExists.call(hook()), true);
	const made = await stored(state.live.id);
	assert.deepEqual([made.url, made.events, made.channelIds, made.description], [address('/life'), ['message.received'], [], 'n8n: Orders']);
	await simulate('Hello');
	const item = await until('the run', () => runs[0]);
	assert.equal(item.json.event, 'message.received');
	assert.equal(item.json.data.text, 'Hello');
	assert.equal(item.json.channelId, server.channel.id);
	const { id } = state.live;
	assert.equal(await remove.call(hook()), true);
	assert.equal(await stored(id), undefined);
	assert.deepEqual(state, {});
	assert.equal(await remove.call(hook()), true, 'once more does no harm');
});

test('a message without a good signature is answered 401 and the server says why the delivery failed', async () => {
	const { hook, state, runs } = node('/forged');
	await create.call(hook());
	state.live.secret = 'whsec_b3RoZXI=';
	const answer = await server.call('POST', `/v1/webhooks/${state.live.id}/test`, { event: 'message.received' });
	assert.equal(answer.statusCode, 401);
	const naked = await fetch(address('/forged'), { method: 'POST', body: '{}' });
	assert.equal(naked.status, 401);
	assert.match((await naked.json()).message, /not signed/);
	assert.equal(runs.length, 0);
	await remove.call(hook());
});

test('a restart heals: a webhook that is gone is made anew', async () => {
	const { hook, state } = node('/gone');
	await create.call(hook());
	await server.call('DELETE', `/v1/webhooks/${state.live.id}`);
	assert.equal(await checkExists.call(hook()), false);
	await create.call(hook());
	assert.equal((await stored(state.live.id)).status, 'active');
	await remove.call(hook());
});

test('a restart heals: another address and other settings are put right, and the secret stays', async () => {
	const { hook, state } = node('/moved');
	await create.call(hook());
	const { id } = state.live;
	await server.call('PATCH', `/v1/webhooks/${id}`, { url: address('/old') });
	assert.equal(await checkExists.call(hook({ events: ['message.status', 'message.received'], channelIds: [server.channel.id] })), true);
	const found = await stored(id);
	assert.equal(found.url, address('/moved'));
	assert.deepEqual(found.events.toSorted(), ['message.received', 'message.status']);
	assert.deepEqual(found.channelIds, [server.channel.id]);
	await remove.call(hook());
});

test('one that was paused on purpose stays paused, and the log of n8n says so', async () => {
	const { hook, state } = node('/paused');
	await create.call(hook());
	await server.call('PATCH', `/v1/webhooks/${state.live.id}`, { status: 'paused' });
	const ctx = hook();
	assert.equal(await checkExists.call(ctx), true);
	assert.match(ctx.state.warnings[0], /paused in Switchhook/);
	assert.equal((await stored(state.live.id)).status, 'paused');
	await remove.call(hook());
});

test('one that ended for good, because a receiver answered 410, is made anew', async () => {
	const { hook, state } = node('/ended');
	await create.call(hook());
	const taker = takers.get('/ended');
	takers.set('/ended', async () => [410, {}]);
	await simulate('To nobody');
	await until('the end', async () => (await stored(state.live.id)).status === 'unsubscribed');
	takers.set('/ended', taker);
	assert.equal(await checkExists.call(hook()), false);
	const old = state.live.id;
	await create.call(hook());
	assert.notEqual(state.live.id, old);
	assert.equal(await stored(old), undefined, 'the old one is removed with it');
	const ctx = hook();
	const states = await type.methods.loadOptions.getSubscriptions.call(ctx);
	assert.deepEqual(states.find(({ value }) => value === state.live.id)?.name, 'n8n: Orders: active');
	await remove.call(hook());
});

test('a lost subscription of the same address does not stay behind as a ghost', async () => {
	const { hook, state } = node('/ghost');
	await create.call(hook());
	const old = state.live.id;
	delete state.live; // a workflow that was imported anew has no static data
	assert.equal(await checkExists.call(hook()), false);
	await create.call(hook());
	assert.equal(await stored(old), undefined);
	await remove.call(hook());
});

test('testing stands beside the published workflow, and ends by itself', async () => {
	const { hook, state, runs } = node('/both');
	await create.call(hook());
	await create.call(hook({}, 'manual'));
	const testing = await stored(state.test.id);
	assert.equal(testing.url, address('/both-test'));
	assert.equal(testing.description, 'n8n test: Orders');
	assert.ok(Date.parse(testing.expiresAt) > Date.now());
	await simulate('Both');
	await until('both runs', () => runs.length >= 2);
	await remove.call(hook({}, 'internal')); // n8n ends a test in this mode
	assert.equal((await stored(state.live.id)).status, 'active');
	await remove.call(hook());
});

test('while testing, channels that are gone or not connected are named before anybody waits', async () => {
	const { hook } = node('/silent');
	await assert.rejects(create.call(hook({ channelIds: ['chan_gone'] }, 'manual')), { message: 'The chosen channels are gone' });
	await server.call('PATCH', `/v1/channels/${server.channel.id}`, { status: 'disabled' });
	const error = await create.call(hook({}, 'manual')).then(
		() => undefined,
		(problem) => problem,
	);
	await server.call('PATCH', `/v1/channels/${server.channel.id}`, { status: 'active' });
	assert.equal(error.message, 'The channel is not connected, so nothing can arrive');
	assert.match(error.description, /Try-out/);
});

test('one that the server switched off is switched on again, its reason is logged, and what was missed comes where asked for', async () => {
	const { hook, state } = node('/off');
	await create.call(hook());
	for (const catchUp of [false, true]) {
		const ctx = hook({ options: { catchUp } });
		const ask = ctx.helpers.httpRequestWithAuthentication;
		ctx.helpers.httpRequestWithAuthentication = async (name, options) => {
			const answer = await ask(name, options);
			if (options.method === 'GET') Object.assign(answer.body, { status: 'disabled', statusReason: 'Its receiver has only failed for 5 days.' });
			return answer;
		};
		assert.equal(await checkExists.call(ctx), true);
		assert.match(ctx.state.warnings[0], /only failed for 5 days/);
		const [, patch, replay] = ctx.state.requests;
		assert.equal(patch.body.status, 'active');
		assert.equal(replay?.url.endsWith('/replay') ?? false, catchUp);
	}
	await remove.call(hook());
});

test('an address that Switchhook may not reach is refused with the way out', async () => {
	const { hook } = node('/unreachable');
	const ctx = hook();
	ctx.state.webhookUrl = 'http://10.1.2.3:5678/webhook/x';
	const error = await create.call(ctx).then(
		() => undefined,
		(problem) => problem,
	);
	assert.match(error.description, /WEBHOOK_URL of n8n/);
	await assert.rejects(create.call(hook({ events: [] })), { message: 'Choose at least one event' });
});

test('the files of a message come along where that is asked for', async () => {
	const files = createServer((request, response) => {
		response.setHeader('Content-Type', 'text/plain').end(request.url === '/menu.txt' ? 'Soup' : 'x');
	}).listen(0, '127.0.0.1');
	await once(files, 'listening');
	const url = `http://127.0.0.1:${files.address().port}/menu.txt`;
	const { hook, runs } = node('/files', { options: { downloadMedia: true, binaryField: 'file' } });
	await create.call(hook());
	await simulate('With a file', {
		media: [
			{ url, fileName: 'menu.txt', contentType: 'text/plain' },
			{ url, fileName: 'second.txt', contentType: 'text/plain' },
		],
	});
	const item = await until('the run', () => runs.find(({ json }) => json.data.text === 'With a file'));
	files.close();
	assert.equal(item.json.mediaProblems, undefined, JSON.stringify(item.json.mediaProblems));
	assert.deepEqual(Object.keys(item.binary).sort(), ['file', 'file_1']);
	assert.equal(item.binary.file.fileName, 'menu.txt');
	assert.equal(item.binary.file.bytes.toString(), 'Soup');
	await remove.call(hook());
});

test('a file that cannot be fetched is named, and the message arrives all the same', async () => {
	const { filesOf } = built('nodes/SwitchhookTrigger/media.js');
	const ctx = context({ type, given: {}, credentials: { baseUrl: server.url, apiKey: server.key } });
	const { binary, problems } = await filesOf(ctx, { media: [{ url: 'https://hooks.example.com/media/nothing' }] }, 'data');
	assert.deepEqual(binary, {});
	assert.equal(problems[0].url, `${server.url}/media/nothing`, 'fetched where n8n knows the server');
	assert.match(problems[0].message, /HTTP Request node/);
});

// The whole package in a real n8n: node tests/real.mjs <folder with n8n> <n8n's data folder with the package in it>. See ../real.sh.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import { makeN8n } from './n8n.mjs';
import { startServer, startWhatsApp, until } from './server.mjs';

const [home, data] = process.argv.slice(2);
const began = Date.now();
const phones = await startWhatsApp();
const server = await startServer(phones.env);
const n8n = await makeN8n(home, data);
const channel = server.channel.id;
const credentialData = { baseUrl: `${server.url}/`, apiKey: server.key };
let credential;

async function step(what, check) {
	await check();
	console.log(`ok  ${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s  ${what}`);
}

const pack = 'n8n-nodes-switchhook';
const byId = (value) => ({ __rl: true, mode: 'id', value });
const trigger = (parameters = {}) => ({
	name: 'Trigger',
	type: `${pack}.switchhookTrigger`,
	parameters: { events: ['message.received'], channelIds: [], options: {}, ...parameters },
});
const act = (name, parameters, more) => ({ name, type: `${pack}.switchhook`, parameters, ...more });
const send = (to, text) => ({ resource: 'message', operation: 'sendText', channelId: byId(channel), to, text });

/** A workflow whose nodes follow each other. */
function chain(name, nodes) {
	const full = nodes.map((node, n) => ({
		id: `${name}-${n}`,
		typeVersion: 1,
		position: [220 * n, 0],
		...node,
		...(node.type.startsWith(pack) ? { credentials: { switchhookApi: { id: credential.id, name: credential.name } } } : {}),
	}));
	const pairs = full.slice(1).map((node, n) => [full[n].name, { main: [[{ node: node.name, type: 'main', index: 0 }]] }]);
	return { name, nodes: full, connections: Object.fromEntries(pairs), settings: { executionOrder: 'v1' } };
}

const make = (flow) => n8n.api('POST', '/workflows', flow);
const publish = ({ id }) => n8n.api('POST', `/workflows/${id}/publish`, {});
const unpublish = ({ id }) => n8n.api('POST', `/workflows/${id}/unpublish`);
const webhooks = async () => (await server.owner('GET', '/v1/webhooks?limit=100')).data;
const simulate = (text, more) => server.call('POST', `/v1/channels/${channel}/simulate`, { from: '+15551234567', name: 'Jane', text, ...more });
const sentTo = async (contact) => (await server.owner('GET', `/v1/messages?direction=outbound&contact=${contact}&limit=100`)).data;
const ended = (flow, count = 1) =>
	until(`${count} executions of ${flow.name}`, async () => {
		const { data: found } = await n8n.api('GET', `/executions?workflowId=${flow.id}&includeData=true`);
		const done = found.filter(({ status }) => ['success', 'error', 'crashed'].includes(status));
		return done.length >= count && done;
	});
const subscription = (flow) =>
	until('the subscription', async () => (await webhooks()).find(({ description }) => description === `n8n: ${flow.name}`));
const example = (name) => JSON.parse(readFileSync(new URL(`../examples/${name}.json`, import.meta.url), 'utf8'));
const testCredential = (given) =>
	n8n.rest('POST', '/credentials/test', { credentials: { id: credential.id, name: credential.name, type: 'switchhookApi', data: given } });

const files = createServer((request, response) => response.setHeader('Content-Type', 'image/png').end(picture)).listen(0, '127.0.0.1');
await once(files, 'listening');
const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGNISEgAIgYIBQAasgN5uVFX2AAAAABJRU5ErkJggg==', 'base64');
let auto;
let fragile;

try {
	await step('n8n starts with the package', async () => {
		await n8n.start();
		await n8n.setup();
		const names = (await n8n.types()).map(({ name }) => name).filter((name) => name.startsWith(pack));
		assert.deepEqual(
			[...new Set(names)].sort(),
			['switchhook', 'switchhookTool', 'switchhookTrigger'].map((name) => `${pack}.${name}`),
		);
	});

	await step('the credential tests green; a bad key, a page and silence are named', async () => {
		credential = await n8n.api('POST', '/credentials', { name: 'Switchhook', type: 'switchhookApi', data: credentialData });
		assert.equal((await testCredential(credentialData)).status, 'OK');
		const bad = await testCredential({ ...credentialData, apiKey: 'sk_live_wrong' });
		assert.match(`${bad.status}: ${bad.message}`, /^Error: .*does not accept this API key/);
		const page = await testCredential({ ...credentialData, baseUrl: `${server.url}/docs/x` });
		assert.match(`${page.status}: ${page.message}`, /^Error: .*not Switchhook/);
		const web = createServer((request, response) => response.setHeader('Content-Type', 'text/html').end('<html>A shop</html>')).listen(
			0,
			'127.0.0.1',
		);
		await once(web, 'listening');
		const shop = await testCredential({ ...credentialData, baseUrl: `http://127.0.0.1:${web.address().port}` });
		web.close();
		assert.match(`${shop.status}: ${shop.message}`, /^Error: .*web page, not to Switchhook/);
		const silent = await testCredential({ ...credentialData, baseUrl: 'http://127.0.0.1:1' });
		assert.equal(silent.status, 'Error');
	});

	await step('the lists of the editor show channels, and the state of webhooks', async () => {
		const asked = (method, path, kind, currentNodeParameters, more) =>
			n8n.rest('POST', `/dynamic-node-parameters/${kind}`, {
				path: `parameters.${path}`,
				methodName: method,
				nodeTypeAndVersion: { name: `${pack}.${kind === 'options' ? 'switchhookTrigger' : 'switchhook'}`, version: 1 },
				currentNodeParameters,
				credentials: { switchhookApi: { id: credential.id, name: credential.name } },
				...more,
			});
		const { results } = await asked(
			'searchSendingChannels',
			'channelId',
			'resource-locator-results',
			{ resource: 'message', operation: 'sendText' },
			{ filter: 'try' },
		);
		assert.deepEqual(
			results.map(({ value }) => value),
			[channel],
		);
		const options = await asked('getChannels', 'channelIds', 'options', { events: ['message.received'] });
		assert.deepEqual(
			options.map(({ value }) => value),
			[channel],
		);
		assert.deepEqual(await asked('getSubscriptions', 'options.state', 'options', {}), []);
	});

	await step('publishing the example subscribes, a message starts it, the action node answers', async () => {
		const flow = example('auto-answer');
		for (const node of flow.nodes) if (node.credentials) node.credentials.switchhookApi = { id: credential.id, name: credential.name };
		delete flow.pinData;
		auto = await make(flow);
		await publish(auto);
		const hook = await subscription(auto);
		assert.match(hook.url, new RegExp(`^${n8n.url}/webhook/`));
		assert.deepEqual([hook.events, hook.status], [['message.received'], 'active']);
		await simulate('Are you open?');
		const [run] = await ended(auto);
		assert.equal(run.status, 'success', JSON.stringify(run.data?.resultData?.error));
		const [answer] = await sentTo('15551234567');
		assert.equal(answer.text, 'Thanks, Jane! We got your message and answer within an hour.');
		const item = run.data.resultData.runData['Message Received'][0].data.main[0][0].json;
		assert.equal(answer.replyTo, item.data.providerMessageId);
	});

	await step('a request that is not signed is answered 401 and starts nothing', async () => {
		const { url } = await subscription(auto);
		const answer = await fetch(url, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: '{"event":"message.received","data":{}}',
		});
		assert.equal(answer.status, 401);
		assert.match((await answer.json()).message, /not signed/);
		assert.equal((await ended(auto)).length, 1);
	});

	await step('listening for a test event stands beside the published workflow', async () => {
		const workflowData = await n8n.rest('GET', `/workflows/${auto.id}`);
		const answer = await n8n.rest('POST', `/workflows/${auto.id}/run`, {
			workflowData,
			triggerToStartFrom: { name: 'Message Received' },
			runData: {},
		});
		assert.equal(answer.waitingForWebhook, true);
		const testing = (await webhooks()).filter(({ description }) => description.startsWith('n8n test: '));
		assert.equal(testing.length, 1);
		assert.match(testing[0].url, /\/webhook-test\//);
		await simulate('A test');
		await until('the end of the test', async () => (await webhooks()).length === 1);
		await ended(auto, 2);
		assert.equal((await subscription(auto)).status, 'active');
	});

	await step('an error reaches the execution in plain words; retrying it sends nothing twice', async () => {
		const split = {
			name: 'Two',
			type: 'n8n-nodes-base.code',
			typeVersion: 2,
			parameters: { jsCode: 'return [{ json: { to: "15557770000" } }, { json: { to: "15550000005" } }];' },
		};
		fragile = await make(chain('Fragile', [trigger(), split, act('Send', send('={{ $json.to }}', 'Once'))]));
		await publish(fragile);
		await subscription(fragile);
		await simulate('Go');
		const [run] = await ended(fragile);
		assert.equal(run.status, 'error');
		const { message, description } = run.data.resultData.error;
		assert.equal(message, 'The person has to write first');
		assert.match(description, /Request req_/);
		assert.equal((await sentTo('15557770000')).length, 1);
		await n8n.rest('POST', `/executions/${run.id}/retry`, { loadWorkflow: false });
		const both = await ended(fragile, 2);
		assert.deepEqual(
			both.map((one) => [one.status, one.data.resultData.error.message]),
			Array(2).fill(['error', message]),
		);
		assert.equal((await sentTo('15557770000')).length, 1, 'the first item was sent again');
		await unpublish(fragile);
	});

	await step('media come as binary data and go out as the files of a post', async () => {
		const post = {
			resource: 'post',
			operation: 'create',
			body: '={{ $json.data.text }}',
			destination: 'channels',
			channelIds: [channel],
			binaryFields: 'data',
			binaryAlts: 'Two dots',
		};
		const flow = await make(chain('Media', [trigger({ options: { downloadMedia: true } }), act('Post', post)]));
		await publish(flow);
		await subscription(flow);
		await simulate('A picture', {
			media: [{ url: `http://127.0.0.1:${files.address().port}/dots.png`, fileName: 'dots.png', contentType: 'image/png' }],
		});
		const [run] = await ended(flow);
		assert.equal(run.status, 'success', JSON.stringify(run.data?.resultData?.error));
		const made = run.data.resultData.runData.Post[0].data.main[0][0].json;
		assert.equal(made.media[0].alt, 'Two dots');
		await until('the post', async () => (await server.owner('GET', `/v1/posts/${made.id}`)).status === 'published');
		await unpublish(flow);
	});

	await step('media come as binary data and go out as the files of a message', async () => {
		const sending = {
			resource: 'message',
			operation: 'sendMedia',
			channelId: byId(channel),
			to: '15556660000',
			caption: '={{ $json.data.text }}',
			binaryFields: 'data',
		};
		const flow = await make(chain('Pass on', [trigger({ options: { downloadMedia: true } }), act('Send', sending)]));
		await publish(flow);
		await subscription(flow);
		await simulate('A picture', {
			media: [{ url: `http://127.0.0.1:${files.address().port}/dots.png`, fileName: 'dots.png', contentType: 'image/png' }],
		});
		const [run] = await ended(flow);
		assert.equal(run.status, 'success', JSON.stringify(run.data?.resultData?.error));
		const [sent] = await sentTo('15556660000');
		assert.deepEqual(
			sent.media.map(({ fileName, contentType }) => [fileName, contentType]),
			[['dots.png', 'image/png']],
		);
		await unpublish(flow);
	});

	await step('a channel is checked, a session is made and its QR code is a picture', async () => {
		const flow = await make(
			chain('QR', [
				trigger(),
				act('Check', { resource: 'channel', operation: 'check', channelId: byId(channel) }),
				act('Create', { resource: 'session', operation: 'create', sessionName: '' }),
				act('Code', { resource: 'session', operation: 'getQr', sessionId: byId('={{ $json.id }}'), binaryField: 'data' }),
			]),
		);
		await publish(flow);
		await subscription(flow);
		await simulate('Link');
		const [run] = await ended(flow);
		assert.equal(run.status, 'success', JSON.stringify(run.data?.resultData?.error));
		assert.equal(run.data.resultData.runData.Code[0].data.main[0][0].binary.data.mimeType, 'image/png');
		await unpublish(flow);
	});

	await step('a restart heals what was removed and what points elsewhere', async () => {
		await publish(fragile);
		const moved = await subscription(fragile);
		const gone = await subscription(auto);
		await n8n.stop();
		await server.call('DELETE', `/v1/webhooks/${gone.id}`);
		await server.call('PATCH', `/v1/webhooks/${moved.id}`, { url: `${n8n.url}/webhook/elsewhere` });
		await n8n.start();
		await n8n.login();
		const healed = await subscription(auto);
		assert.notEqual(healed.id, gone.id);
		assert.equal(healed.url, gone.url);
		await until('the old address', async () => (await subscription(fragile)).url === moved.url);
		const before = (await ended(auto)).length;
		await simulate('After the restart');
		const [run] = await ended(auto, before + 1);
		assert.equal(run.status, 'success', JSON.stringify(run.data?.resultData?.error));
	});

	await step('unpublishing unsubscribes', async () => {
		await unpublish(auto);
		await unpublish(fragile);
		assert.deepEqual(await webhooks(), []);
	});

	await step('the other examples are imported', async () => {
		for (const name of ['whatsapp-to-sheet', 'rss-to-queue']) {
			const flow = example(name);
			for (const node of flow.nodes) delete node.credentials;
			delete flow.pinData;
			assert.ok((await make(flow)).id);
		}
	});
	console.log(`PASS in ${((Date.now() - began) / 1000).toFixed(0)} s`);
} catch (error) {
	console.log(readFileSync(`${data}/n8n.log`, 'utf8').split('\n').slice(-40).join('\n'));
	throw error;
} finally {
	files.close();
	await n8n.stop();
	await server.stop();
	await phones.stop();
}

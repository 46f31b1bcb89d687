// The verifier against the golden events and against the vector of the Standard Webhooks.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { built, context } from './stub.mjs';

const { signatureProblem, standardSignature, hexSignature, tolerance } = built('nodes/SwitchhookTrigger/signature.js');
const { SwitchhookTrigger } = built('nodes/SwitchhookTrigger/SwitchhookTrigger.node.js');

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const samples = new URL('../../samples/', import.meta.url);
const golden = readdirSync(samples)
	.filter((name) => name.endsWith('.json'))
	.map((name) => [name, readFileSync(new URL(name, samples))]);
const now = 1_782_742_867_000;

function signed(raw, { at = now, key = secret, id = 'evt_1' } = {}) {
	const timestamp = String(Math.floor(at / 1000));
	return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': standardSignature(key, id, timestamp, raw) };
}

test('a signature is the published one for the example of the Standard Webhooks', () => {
	const body = Buffer.from('{"test": 2432232314}');
	assert.equal(standardSignature(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', body), 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('the plain signature is the one of docs/webhooks.md: keyed with the secret as it is shown', () => {
	const body = Buffer.from('{}');
	assert.equal(hexSignature(secret, body), `sha256=${createHmac('sha256', secret).update('{}').digest('hex')}`);
});

for (const [name, raw] of golden) {
	test(`the sample ${name} is taken as it was signed, and refused when a byte of it changes`, () => {
		const changed = Buffer.from(raw);
		changed[changed.length - 1] ^= 1;
		for (const headers of [signed(raw), { 'x-switchhook-signature': hexSignature(secret, raw) }]) {
			assert.equal(signatureProblem({ headers, raw, secrets: [secret], now }), undefined);
			assert.match(signatureProblem({ headers, raw: changed, secrets: [secret], now }), /does not fit/);
			assert.match(signatureProblem({ headers, raw, secrets: ['whsec_b3RoZXI='], now }), /does not fit/);
		}
	});
}

const [, raw] = golden.find(([name]) => name === 'message.received.json');

test('after a rotation, one of several signatures is enough', () => {
	const headers = signed(raw);
	const other = signed(raw, { key: 'whsec_b3RoZXI=' })['webhook-signature'];
	headers['webhook-signature'] = `${other} ${headers['webhook-signature']}`;
	assert.equal(signatureProblem({ headers, raw, secrets: [secret], now }), undefined);
});

test('a signature that has been lying about is refused, to the second', () => {
	const at = (seconds) => signatureProblem({ headers: signed(raw, { at: now + seconds * 1000 }), raw, secrets: [secret], now });
	assert.equal(at(-tolerance), undefined);
	assert.equal(at(tolerance), undefined);
	assert.match(at(-tolerance - 1), /five minutes/);
	assert.match(at(tolerance + 1), /five minutes/);
	const headers = { ...signed(raw), 'webhook-timestamp': 'soon' };
	assert.match(signatureProblem({ headers, raw, secrets: [secret], now }), /does not fit/);
});

test('a wrong Standard Webhooks signature is not outvoted by a good plain one', () => {
	const headers = { ...signed(raw, { key: 'whsec_b3RoZXI=' }), 'x-switchhook-signature': hexSignature(secret, raw) };
	assert.match(signatureProblem({ headers, raw, secrets: [secret], now }), /does not fit/);
});

test('without a signature, or without a secret, nothing is believed', () => {
	assert.match(signatureProblem({ headers: {}, raw, secrets: [secret], now }), /not signed/);
	assert.match(signatureProblem({ headers: signed(raw), raw, secrets: [], now }), /publish it again/);
	assert.match(signatureProblem({ headers: { 'x-switchhook-signature': '' }, raw, secrets: [secret], now }), /not signed/);
});

// ---- the same at the door of the trigger ----

const type = new SwitchhookTrigger();

function arrival(headers, kept, given = {}) {
	const ctx = context({ type, given, credentials: { baseUrl: 'http://127.0.0.1:1', apiKey: 'x' } });
	Object.assign(ctx.state, { headers, rawBody: raw, static: kept });
	return ctx;
}

test('the trigger answers 401 to what is not signed and starts nothing', async () => {
	for (const headers of [{}, signed(raw, { at: Date.now(), key: 'whsec_b3RoZXI=' })]) {
		const ctx = arrival(headers, { live: { id: 'wh_1', secret } });
		const result = await type.webhook.call(ctx);
		assert.deepEqual(result, { noWebhookResponse: true });
		assert.equal(ctx.state.answer.code, 401);
		assert.equal(ctx.state.answer.body.code, 'invalid_signature');
	}
});

test('the trigger gives the event as it came, for the live and for the test subscription', async () => {
	for (const kept of [{ live: { id: 'wh_1', secret } }, { test: { id: 'wh_2', secret }, live: { id: 'wh_1', secret: 'whsec_b3RoZXI=' } }]) {
		const result = await type.webhook.call(arrival(signed(raw, { at: Date.now() }), kept));
		assert.deepEqual(result.workflowData, [[{ json: JSON.parse(raw) }]]);
		assert.deepEqual(result.webhookResponse, { received: true });
	}
});

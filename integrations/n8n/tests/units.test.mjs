// Times, forms, idempotency keys and the words for errors, without a server.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { built, context } from './stub.mjs';

const { instant } = built('nodes/api/time.js');
const { form } = built('nodes/Switchhook/actions/form.js');
const { idempotencyKey } = built('nodes/api/idempotency.js');
const { refusal, unreachable } = built('nodes/api/errors.js');
const { Switchhook } = built('nodes/Switchhook/Switchhook.node.js');
const type = new Switchhook();
const node = { id: 'n', name: 'Switchhook', type: 'n8n-nodes-switchhook.switchhook', typeVersion: 1, position: [0, 0], parameters: {} };

test('a time without a zone is meant in the zone of the workflow', () => {
	const at = (given, zone = 'Europe/Berlin') => instant(given, zone, node, 0);
	assert.equal(at('2026-06-29T14:30:00'), '2026-06-29T12:30:00.000Z');
	assert.equal(at('2026-01-15 14:30'), '2026-01-15T13:30:00.000Z');
	assert.equal(at('2026-01-15'), '2026-01-14T23:00:00.000Z');
	assert.equal(at('2026-06-29T14:30:00', 'America/New_York'), '2026-06-29T18:30:00.000Z');
	assert.equal(at('2026-06-29T14:30:00', 'Asia/Kolkata'), '2026-06-29T09:00:00.000Z');
	assert.equal(at('2026-03-29T03:30:00'), '2026-03-29T01:30:00.000Z', 'an hour after the clocks went forward');
	assert.equal(at('2026-03-29T01:30:00'), '2026-03-29T00:30:00.000Z', 'half an hour before');
});

test('a time with a zone, a date, a Luxon object and milliseconds are taken as they are', () => {
	const at = (given) => instant(given, 'Europe/Berlin', node, 0);
	assert.equal(at('2026-06-29T14:30:00Z'), '2026-06-29T14:30:00.000Z');
	assert.equal(at('2026-06-29T14:30:00.000+02:00'), '2026-06-29T12:30:00.000Z');
	assert.equal(at(new Date('2026-06-29T14:30:00Z')), '2026-06-29T14:30:00.000Z');
	assert.equal(at({ toMillis: () => Date.parse('2026-06-29T14:30:00Z') }), '2026-06-29T14:30:00.000Z');
	assert.equal(at(1782743400000), new Date(1782743400000).toISOString());
	assert.equal(at(''), undefined);
	assert.throws(() => at('tomorrow'), /Publish At is not a date/);
});

test('a form is the same to the byte when it is made again, and a file name breaks out of nothing', () => {
	const make = () => form({ body: 'Soup' }, [{ name: 'a"\r\nX: y.png', type: 'image/png', bytes: Buffer.from([1, 2]) }], ['A bowl'], 'k');
	const { body, type: kind } = make();
	assert.deepEqual(make().body, body);
	assert.equal(kind, 'multipart/form-data; boundary=switchhook-k');
	assert.ok(body.includes('filename="a___X: y.png"'));
	assert.ok(body.includes('name="alt"\r\n\r\nA bowl\r\n'));
	assert.ok(body.toString('latin1').endsWith('--switchhook-k--\r\n'));
});

test('a retry of an item has the same key; other items, rounds, executions and workflows have others', () => {
	const kept = {};
	const ctx = (facts) => context({ type, given: {}, credentials: {}, facts: { kept, ...facts } });
	const first = idempotencyKey(ctx({ execution: '7' }), 0);
	assert.match(first, /^n8n-[0-9a-f]{64}$/);
	assert.equal(idempotencyKey(ctx({ execution: '7' }), 0), first, 'Retry On Fail');
	assert.equal(idempotencyKey(ctx({ execution: '8' }), 0), first, 'a retried execution inherits what was kept');
	assert.equal(idempotencyKey(ctx({ execution: '7' }), 0, { text: 'other' }), first);
	const others = [
		idempotencyKey(ctx({ execution: '7' }), 1),
		idempotencyKey(ctx({ execution: '7', round: 1 }), 0),
		idempotencyKey(ctx({ execution: '7', workflow: 'wf-2' }), 0),
		idempotencyKey(ctx({ execution: '8', kept: {} }), 0),
	];
	assert.equal(new Set([first, ...others]).size, 5);
});

test('the calls of an agent within one run differ by their content', () => {
	const ctx = () => context({ type, given: {}, credentials: {}, facts: { type: 'n8n-nodes-switchhook.switchhookTool' } });
	const one = idempotencyKey(ctx(), 0, { text: 'one' });
	assert.equal(idempotencyKey(ctx(), 0, { text: 'one' }), one);
	assert.notEqual(idempotencyKey(ctx(), 0, { text: 'two' }), one);
});

test('an error has a title that says what happened and a description that says what to do, with every wrong field', () => {
	const body = {
		code: 'invalid_field',
		message: '2 fields are wrong. Correct each one that "errors" names.',
		errors: [
			{ field: 'to', code: 'required_field', message: 'to is required.' },
			{ field: 'text', code: 'required_field', message: 'text is required.' },
		],
		requestId: 'req_1',
	};
	const error = refusal(node, { status: 400, headers: {}, body }, 'http://x', 3);
	assert.equal(error.message, 'Switchhook cannot take these values: to, text');
	assert.equal(error.description, '2 fields are wrong. Correct each one that "errors" names. to is required. text is required. Request req_1.');
	assert.equal(error.httpCode, '400');
	assert.equal(error.context.itemIndex, 3);
});

test('a page, a redirect and a dead proxy in place of Switchhook are named as what they are', () => {
	const of = (status, headers = {}) => refusal(node, { status, headers, body: '<html>' }, 'http://shop.example.com');
	assert.match(of(200).message, /does not lead to Switchhook/);
	assert.match(of(404).description, /Base URL of the credential/);
	assert.match(of(301, { location: 'https://shop.example.com/' }).description, /redirects to https:\/\/shop\.example\.com\//);
	assert.match(of(502).message, /does not answer/);
});

test('why nothing answers is said in words', () => {
	const of = (problem) => unreachable(node, problem, 'http://shop.example.com').description;
	assert.match(of({ code: 'ECONNREFUSED' }), /Nothing listens there/);
	assert.match(of({ message: 'x', cause: { cause: { code: 'ENOTFOUND' } } }), /name of the server is not known/);
	assert.match(of({ message: 'timeout of 60000ms exceeded' }), /No answer came in time/);
	assert.match(of({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), /certificate/);
	assert.match(of({ message: 'Something else' }), /Something else/);
});

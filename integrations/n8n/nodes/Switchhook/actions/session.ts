import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { sleep } from 'n8n-workflow';

import { idempotencyKey } from '../../api/idempotency';
import { defined, json, request } from '../../api/request';
import { several } from '../../api/text';
import type { Action } from './values';
import { at, chosen, listed, single, text } from './values';

/** WhatsApp's first code comes within seconds of a session's beginning. */
const qrTries = 15;
const qrPause = 1000;

function path(ctx: IExecuteFunctions, i: number, suffix = ''): string {
	return at('/v1/sessions', chosen(ctx, 'sessionId', 'Session', i), suffix);
}

/** A session's state: what has to be known before a QR code is waited for. */
async function state(ctx: IExecuteFunctions, i: number): Promise<IDataObject> {
	return await json(ctx, { method: 'GET', path: path(ctx, i), itemIndex: i });
}

const getQr: Action = async (ctx, i) => {
	let session = await state(ctx, i);
	for (let tries = 0; session.status === 'PENDING' && tries < qrTries; tries++) {
		await sleep(qrPause);
		session = await state(ctx, i);
	}
	const field = text(ctx, 'binaryField', i) || 'data';
	const answer = await request(ctx, { method: 'GET', path: path(ctx, i, '/qr'), qs: { format: 'png' }, bytes: true, itemIndex: i });
	const picture = await ctx.helpers.prepareBinaryData(Buffer.from(answer.body as Buffer), 'whatsapp-qr.png', 'image/png');
	const step = (session.step ?? {}) as IDataObject;
	const { id, name, status, qr } = session;
	return [{ json: { id, name, status, qr, expiresAt: step.expiresAt ?? null, message: step.message ?? '' }, binary: { [field]: picture } }];
};

export const session: Record<string, Action> = {
	create: async (ctx, i) => {
		const body = defined({ name: text(ctx, 'sessionName', i) });
		return single(await json(ctx, { method: 'POST', path: '/v1/sessions', body, key: idempotencyKey(ctx, i, body), itemIndex: i }));
	},
	get: async (ctx, i) => single(await state(ctx, i)),
	getAll: async (ctx, i) => await listed(ctx, '/v1/sessions', {}, i),
	getQr,
	link: async (ctx, i) => single(await json(ctx, { method: 'POST', path: path(ctx, i, '/link'), itemIndex: i })),
	pair: async (ctx, i) => {
		const body = { phoneNumber: text(ctx, 'phoneNumber', i) };
		return single(await json(ctx, { method: 'POST', path: path(ctx, i, '/pair'), body, itemIndex: i }));
	},
	logout: async (ctx, i) => single(await json(ctx, { method: 'POST', path: path(ctx, i, '/logout'), itemIndex: i })),
	checkNumbers: async (ctx, i) => {
		const body = { numbers: several(ctx.getNodeParameter('numbers', i, '')) };
		const { data } = await json<{ data: IDataObject[] }>(ctx, { method: 'POST', path: path(ctx, i, '/check-numbers'), body, itemIndex: i });
		return data.map((row) => ({ json: row }));
	},
};

export const channel: Record<string, Action> = {
	getAll: async (ctx, i) => await listed(ctx, '/v1/channels', {}, i),
	get: async (ctx, i) => single(await json(ctx, { method: 'GET', path: at('/v1/channels', chosen(ctx, 'channelId', 'Channel', i)), itemIndex: i })),
	check: async (ctx, i) => {
		const channelPath = at('/v1/channels', chosen(ctx, 'channelId', 'Channel', i), '/check');
		return single(await json(ctx, { method: 'POST', path: channelPath, itemIndex: i }));
	},
};

export const webhook: Record<string, Action> = {
	getAll: async (ctx, i) => await listed(ctx, '/v1/webhooks', {}, i),
	getDeliveries: async (ctx, i) => await listed(ctx, '/v1/deliveries', ctx.getNodeParameter('filters', i, {}) as IDataObject, i),
};

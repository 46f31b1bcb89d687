import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { idempotencyKey } from '../../api/idempotency';
import { defined, json, request } from '../../api/request';
import type { Action } from './values';
import { at, chosen, listed, objectOf, single, text } from './values';

/** The fields of a contact as the server names them. */
function facts(ctx: IExecuteFunctions, name: string, i: number): IDataObject {
	const given = ctx.getNodeParameter(name, i, {}) as IDataObject;
	const extra = objectOf(ctx, given.extraFields, 'Extra Fields (JSON)', i);
	return {
		...defined({ name: given.name, phone_number: given.phoneNumber, phone_number_cc: given.countryCode }),
		...(extra ? { extra_fields: JSON.stringify(extra) } : {}),
		...(typeof given.isBlocked === 'boolean' ? { is_blocked: given.isBlocked ? 1 : 0 } : {}),
	};
}

function path(ctx: IExecuteFunctions, i: number): string {
	return at('/v1/contacts', chosen(ctx, 'contactId', 'Contact', i));
}

export const contact: Record<string, Action> = {
	create: async (ctx, i) => {
		const body = { phone_number: text(ctx, 'phoneNumber', i), ...facts(ctx, 'contactFields', i) };
		return single(await json(ctx, { method: 'POST', path: '/v1/contacts', body, key: idempotencyKey(ctx, i, body), itemIndex: i }));
	},
	get: async (ctx, i) => single(await json(ctx, { method: 'GET', path: path(ctx, i), itemIndex: i })),
	getAll: async (ctx, i) => {
		const { q, phoneNumber } = ctx.getNodeParameter('filters', i, {}) as IDataObject;
		return await listed(ctx, '/v1/contacts', { q, phone_number: phoneNumber }, i);
	},
	update: async (ctx, i) => single(await json(ctx, { method: 'PATCH', path: path(ctx, i), body: facts(ctx, 'updateFields', i), itemIndex: i })),
	delete: async (ctx, i) => {
		await request(ctx, { method: 'DELETE', path: path(ctx, i), itemIndex: i });
		return single({ deleted: true });
	},
};

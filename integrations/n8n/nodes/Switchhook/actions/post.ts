import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { idempotencyKey } from '../../api/idempotency';
import { defined, json } from '../../api/request';
import { several } from '../../api/text';
import { instant } from '../../api/time';
import { make } from './form';
import type { Action } from './values';
import { at, chosen, listed, objectOf, single, text } from './values';

function destination(ctx: IExecuteFunctions, i: number): IDataObject {
	if (ctx.getNodeParameter('destination', i) === 'queue') return { queueId: chosen(ctx, 'queueId', 'Queue', i) };
	const channelIds = several(ctx.getNodeParameter('channelIds', i, []));
	if (channelIds.length === 0) {
		throw new NodeOperationError(ctx.getNode(), 'Choose at least one channel', {
			description: '"Channel Names or IDs" is empty. The list shows channels that can publish posts; connect one in Switchhook where it is empty.',
			itemIndex: i,
		});
	}
	return { channelIds };
}

function content(ctx: IExecuteFunctions, i: number): IDataObject {
	const options = ctx.getNodeParameter('postOptions', i, {}) as IDataObject;
	const urls = ((ctx.getNodeParameter('media', i, {}) as IDataObject).file ?? []) as IDataObject[];
	return {
		body: String(ctx.getNodeParameter('body', i, '') ?? ''),
		...destination(ctx, i),
		...defined({
			title: options.title,
			firstComment: options.firstComment,
			overflow: options.overflow,
			draft: options.draft || undefined,
			publishAt: instant(options.publishAt, ctx.getTimezone(), ctx.getNode(), i),
			overrides: objectOf(ctx, options.overrides, 'Differences per Channel', i),
			media: urls.length > 0 ? urls.map((one) => defined({ url: one.url, alt: one.alt })) : undefined,
		}),
	};
}

export const post: Record<string, Action> = {
	create: async (ctx, i) => {
		const body = content(ctx, i);
		const names = several(ctx.getNodeParameter('binaryFields', i, ''));
		const alts = ctx.getNodeParameter('binaryAlts', i, '') as string;
		return single(await make(ctx, '/v1/posts', body, { names, alts: alts === '' ? [] : alts.split('\n') }, i));
	},
	get: async (ctx, i) => single(await json(ctx, { method: 'GET', path: at('/v1/posts', chosen(ctx, 'postId', 'Post', i)), itemIndex: i })),
	cancel: async (ctx, i) => single(await json(ctx, { method: 'DELETE', path: at('/v1/posts', chosen(ctx, 'postId', 'Post', i)), itemIndex: i })),
	retry: async (ctx, i) => {
		const body = ctx.getNodeParameter('retryUnconfirmed', i, false) ? { unconfirmed: true } : { unconfirmed: false };
		const path = at('/v1/posts', chosen(ctx, 'postId', 'Post', i), '/retry');
		return single(await json(ctx, { method: 'POST', path, body, key: idempotencyKey(ctx, i, body), itemIndex: i }));
	},
	getAll: async (ctx, i) => {
		return await listed(ctx, '/v1/posts', ctx.getNodeParameter('filters', i, {}) as IDataObject, i);
	},
};

export const queue: Record<string, Action> = {
	getAll: async (ctx, i) => await listed(ctx, '/v1/queues', {}, i),
	preview: async (ctx, i) => {
		const path = at('/v1/queues', chosen(ctx, 'queueId', 'Queue', i), '/preview');
		const limit = Number(text(ctx, 'slots', i));
		const { data } = await json<{ data: IDataObject[] }>(ctx, { method: 'GET', path, qs: { limit }, itemIndex: i });
		return data.map((slot) => ({ json: slot }));
	},
};

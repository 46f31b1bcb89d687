import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { defined, json } from '../../api/request';
import { several } from '../../api/text';
import { make } from './form';
import type { Action } from './values';
import { at, chosen, listed, objectOf, single, text } from './values';

type Names = (ctx: IExecuteFunctions, i: number) => string[];

/** Sends what an operation makes of its parameters, with the files in binary fields. */
function sends(content: (ctx: IExecuteFunctions, i: number) => IDataObject, files: Names = () => []): Action {
	return async (ctx, i) => {
		const options = ctx.getNodeParameter('sendOptions', i, {}) as IDataObject;
		const body = {
			channelId: chosen(ctx, 'channelId', 'Channel', i),
			to: text(ctx, 'to', i),
			...defined({ replyTo: options.replyTo }),
			...content(ctx, i),
		};
		return single(await make(ctx, '/v1/messages', body, { names: files(ctx, i) }, i));
	};
}

/** The binary fields whose files go with a message. */
const binaryFields: Names = (ctx, i) => several(ctx.getNodeParameter('binaryFields', i, ''));

/** The files of a message by addresses, which the network, or Switchhook for it, fetches. */
function media(ctx: IExecuteFunctions, i: number): IDataObject {
	const given = several(ctx.getNodeParameter('mediaUrls', i, ''));
	if (given.length === 0 && binaryFields(ctx, i).length > 0) return {};
	if (given.length === 0) {
		throw new NodeOperationError(ctx.getNode(), 'Give a file', {
			description: '"Input Binary Fields" and "Media URLs" are empty. Name the binary field of an earlier node, or give a public https address.',
			itemIndex: i,
		});
	}
	const { fileName, contentType } = ctx.getNodeParameter('mediaOptions', i, {}) as IDataObject;
	return { media: given.map((url) => ({ url, ...(given.length === 1 ? defined({ fileName, contentType }) : {}) })) };
}

function template(ctx: IExecuteFunctions, i: number): IDataObject {
	const options = ctx.getNodeParameter('templateOptions', i, {}) as IDataObject;
	const pairs = ((ctx.getNodeParameter('variables', i, {}) as IDataObject).variable ?? []) as Array<{ name: string; value: unknown }>;
	const variables: IDataObject = objectOf(ctx, options.variablesJson, 'Variables (JSON)', i) ?? {};
	for (const pair of pairs) variables[pair.name] = String(pair.value ?? '');
	for (const [name, value] of Object.entries(variables)) variables[name] = String(value);
	return {
		name: text(ctx, 'templateName', i),
		...defined({ language: options.language }),
		...(Object.keys(variables).length > 0 ? { variables } : {}),
	};
}

export const message: Record<string, Action> = {
	sendText: sends((ctx, i) => ({ text: String(ctx.getNodeParameter('text', i) ?? '') })),
	sendMedia: sends((ctx, i) => ({ ...media(ctx, i), ...defined({ text: ctx.getNodeParameter('caption', i, '') }) }), binaryFields),
	reply: sends((ctx, i) => ({
		replyTo: text(ctx, 'messageId', i),
		text: String(ctx.getNodeParameter('text', i) ?? ''),
	})),
	sendTemplate: sends((ctx, i) => ({ template: template(ctx, i) })),
	sendLocation: sends((ctx, i) => {
		const { name, address } = ctx.getNodeParameter('locationOptions', i, {}) as IDataObject;
		const place = { latitude: Number(ctx.getNodeParameter('latitude', i)), longitude: Number(ctx.getNodeParameter('longitude', i)) };
		return { location: { ...place, ...defined({ name, address }) } };
	}),
	sendContact: sends((ctx, i) => ({ contact: { name: text(ctx, 'contactName', i), phone: text(ctx, 'contactPhone', i) } })),
	react: sends((ctx, i) => ({ reaction: { messageId: text(ctx, 'messageId', i), emoji: text(ctx, 'emoji', i) } })),
	get: async (ctx, i) => {
		const id = chosen(ctx, 'switchhookMessageId', 'Message ID', i);
		return single(await json(ctx, { method: 'GET', path: at('/v1/messages', id), itemIndex: i }));
	},
	getAll: async (ctx, i) => {
		return await listed(ctx, '/v1/messages', ctx.getNodeParameter('filters', i, {}) as IDataObject, i);
	},
};

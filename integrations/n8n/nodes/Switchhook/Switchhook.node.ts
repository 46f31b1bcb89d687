import type { IDataObject, IExecuteFunctions, INodeExecutionData, INodeType, INodeTypeDescription } from 'n8n-workflow';
import { NodeApiError, NodeConnectionTypes, NodeOperationError } from 'n8n-workflow';

import { listSearch, loadOptions } from '../api/lists';
import { actions } from './actions';
import { contactFields } from './fields/contact';
import { messageFields } from './fields/message';
import { postFields, queueFields } from './fields/post';
import { channelFields, sessionFields, webhookFields } from './fields/session';

/** Does things on a Switchhook server: sends messages, publishes posts, and looks after what belongs to them. */
export class Switchhook implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Switchhook',
		name: 'switchhook',
		icon: { light: 'file:../../icons/switchhook.svg', dark: 'file:../../icons/switchhook.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{ $parameter["operation"] + ": " + $parameter["resource"] }}',
		description: 'Send messages and publish posts over WhatsApp, SMS and social networks',
		defaults: { name: 'Switchhook' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'switchhookApi', required: true }],
		properties: [
			{
				displayName: 'Resource',
				name: 'resource',
				type: 'options',
				noDataExpression: true,
				options: [
					{ name: 'Channel', value: 'channel' },
					{ name: 'Contact', value: 'contact' },
					{ name: 'Message', value: 'message' },
					{ name: 'Post', value: 'post' },
					{ name: 'Queue', value: 'queue' },
					{ name: 'Webhook', value: 'webhook' },
					{ name: 'WhatsApp Session', value: 'session' },
				],
				default: 'message',
			},
			...channelFields,
			...contactFields,
			...messageFields,
			...postFields,
			...queueFields,
			...sessionFields,
			...webhookFields,
		],
	};

	methods = { listSearch, loadOptions };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const items = this.getInputData();
		const output: INodeExecutionData[] = [];
		for (let i = 0; i < items.length; i++) {
			try {
				const resource = this.getNodeParameter('resource', i) as string;
				const operation = this.getNodeParameter('operation', i) as string;
				const action = actions[resource]?.[operation];
				if (!action) {
					throw new NodeOperationError(this.getNode(), `There is no operation "${operation}" of "${resource}"`, {
						description: 'Choose the resource and the operation from their lists.',
						itemIndex: i,
					});
				}
				for (const made of await action(this, i)) output.push({ ...made, pairedItem: { item: i } });
			} catch (error) {
				if (!this.continueOnFail()) throw plain(this, error, i);
				output.push({ json: failure(error), pairedItem: { item: i } });
			}
		}
		return [output];
	}
}

/** Errors of ours as they are, and everything else as an error of this node. */
function plain(ctx: IExecuteFunctions, error: unknown, itemIndex: number): NodeApiError | NodeOperationError {
	if (error instanceof NodeApiError || error instanceof NodeOperationError) return error;
	return new NodeOperationError(ctx.getNode(), error as Error, { itemIndex });
}

/** What an item becomes that failed in a node that goes on. */
function failure(error: unknown): IDataObject {
	const { message, description } = error as NodeApiError;
	const httpCode = error instanceof NodeApiError ? error.httpCode : undefined;
	return { error: message, ...(description ? { description } : {}), ...(httpCode ? { httpCode } : {}) };
}

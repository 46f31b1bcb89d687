import type {
	IDataObject,
	IHookFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

import { listSearch, loadOptions } from '../api/lists';
import { filesOf } from './media';
import { signatureProblem } from './signature';
import type { KeptByMode } from './subscription';
import { stands, subscribe, unsubscribe } from './subscription';

const silence = `Nothing arrives? <b>1.</b> The workflow must be published; unpublished, it gets events only while you listen for a test event. <b>2.</b> Switchhook must reach n8n: set WEBHOOK_URL of n8n to its public address. <b>3.</b> Look at Options, Webhook State: it names a webhook that was switched off, and why. <b>4.</b> The channel must be connected. <a href="https://github.com/switchhook/switchhook/blob/main/integrations/n8n/README.md#the-trigger-is-silent" target="_blank">The whole list</a>`;

/** Starts workflows when something happens on a Switchhook server. */
export class SwitchhookTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Switchhook Trigger',
		name: 'switchhookTrigger',
		icon: { light: 'file:../../icons/switchhook.svg', dark: 'file:../../icons/switchhook.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{ $parameter["events"].join(", ") }}',
		description: 'Starts the workflow when a message comes in, or something else happens in Switchhook',
		defaults: { name: 'Switchhook Trigger' },
		eventTriggerDescription: 'Write a message to one of your channels',
		activationMessage: 'Messages to your channels now start this workflow.',
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'switchhookApi', required: true }],
		triggerPanel: {
			header: 'Wait for a message',
			executionsHelp: {
				inactive:
					'<b>While building</b>, click the button and write a message to one of your channels (a sandbox channel can simulate one). This subscribes for this test only.<br /><br /><b>When it works</b>, publish the workflow: it subscribes by itself, beside any test.',
				active:
					'<b>While building</b>, click the button and write a message to one of your channels.<br /><br /><b>Your workflow is published</b>: it runs on every event. Those runs are in the executions list, not in this editor. If there are none, go by the list in the node that says why it is silent.',
			},
			activationHint: 'Once the workflow is built, publish it: from then on every event starts it, without this editor.',
		},
		hints: [
			{
				message: 'webhook.disabled concerns the whole account: it comes to triggers for all channels only. Leave the channels empty.',
				displayCondition: '={{ $parameter["events"].includes("webhook.disabled") && $parameter["channelIds"].length > 0 }}',
				whenToDisplay: 'always',
				location: 'ndv',
				type: 'warning',
			},
			{
				message: 'message.status comes up to three times for each message that you send: sent, delivered, read. Each one is an execution.',
				displayCondition: '={{ $parameter["events"].includes("message.status") }}',
				whenToDisplay: 'always',
				location: 'ndv',
				type: 'info',
			},
		],
		webhooks: [{ name: 'default', httpMethod: 'POST', responseMode: 'onReceived', path: 'switchhook' }],
		properties: [
			{ displayName: silence, name: 'silence', type: 'notice', default: '' },
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				required: true,
				default: ['message.received'],
				description: 'What starts the workflow',
				options: [
					{ name: 'Account Connected', value: 'account.connected', description: 'The credentials of a channel work, for the first time or again' },
					{ name: 'Account Disconnected', value: 'account.disconnected', description: 'The network refuses the credentials of a channel' },
					{ name: 'Message Received', value: 'message.received', description: 'Somebody wrote on one of your channels' },
					{ name: 'Message Status', value: 'message.status', description: 'A message that you sent was sent, delivered, read, or has failed' },
					{ name: 'Post Failed', value: 'post.failed', description: 'A post could not go out on one of its channels' },
					{ name: 'Post Published', value: 'post.published', description: 'A post went out on one of its channels' },
					{ name: 'Post Scheduled', value: 'post.scheduled', description: 'A post got its time' },
					{ name: 'Session QR', value: 'session.qr', description: 'A new QR code of a WhatsApp session waits to be scanned' },
					{ name: 'Session Status', value: 'session.status', description: 'A linked WhatsApp device changed its status' },
					{
						name: 'Webhook Disabled',
						value: 'webhook.disabled',
						description: 'A webhook of the account was switched off: what makes triggers silent',
					},
				],
			},
			{
				displayName: 'Channel Names or IDs',
				name: 'channelIds',
				type: 'multiOptions',
				typeOptions: { loadOptionsMethod: 'getChannels' },
				default: [],
				placeholder: 'All channels',
				description:
					'The channels whose events start the workflow; none means all. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					{
						displayName: 'Catch Up',
						name: 'catchUp',
						type: 'boolean',
						default: false,
						description:
							'Whether to also get what happened while the webhook was switched off, when n8n comes back after days. That may be many executions at once.',
					},
					{
						displayName: 'Download Media',
						name: 'downloadMedia',
						type: 'boolean',
						default: false,
						description: 'Whether to fetch the files of received messages as binary data. Else the output has their addresses only.',
					},
					{
						displayName: 'Put Output File in Field',
						name: 'binaryField',
						type: 'string',
						default: 'data',
						hint: 'The name of the output binary field for the first file; the next ones are called data_1, data_2 and so on',
						displayOptions: { show: { downloadMedia: [true] } },
					},
					{
						displayName: 'Webhook State Name or ID',
						name: 'state',
						type: 'options',
						noDataExpression: true,
						typeOptions: { loadOptionsMethod: 'getSubscriptions' },
						default: '',
						description:
							'Only to look at: open the list to see every webhook of the account, whether it works, and why it was switched off. Choosing one changes nothing. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
					},
				],
			},
		],
	};

	methods = { listSearch, loadOptions };

	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return await stands(this);
			},
			async create(this: IHookFunctions): Promise<boolean> {
				await subscribe(this);
				return true;
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				await unsubscribe(this);
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const raw = await rawBody(this);
		const { live, test } = this.getWorkflowStaticData('node') as KeptByMode;
		const secrets = [live?.secret, test?.secret].filter((secret) => typeof secret === 'string');
		const headers = this.getHeaderData() as Record<string, string | undefined>;
		const problem = signatureProblem({ headers, raw, secrets, now: Date.now() });
		if (problem) {
			this.getResponseObject().status(401).json({ code: 'invalid_signature', message: problem });
			return { noWebhookResponse: true };
		}
		const event = JSON.parse(raw.toString('utf8')) as IDataObject;
		return { webhookResponse: { received: true }, workflowData: [[await itemOf(this, event)]] };
	}
}

/** The bytes as they arrived: what the signature was made over. */
async function rawBody(ctx: IWebhookFunctions): Promise<Buffer> {
	const request = ctx.getRequestObject() as unknown as { rawBody?: Buffer; readRawBody?: () => Promise<void> };
	if (!request.rawBody && request.readRawBody) await request.readRawBody();
	return request.rawBody ?? Buffer.alloc(0);
}

/** The item of an event: the event as it came and, where asked for, its files. */
async function itemOf(ctx: IWebhookFunctions, event: IDataObject): Promise<INodeExecutionData> {
	const options = ctx.getNodeParameter('options', {}) as IDataObject;
	if (options.downloadMedia !== true || event.event !== 'message.received') return { json: event };
	const { binary, problems } = await filesOf(ctx, (event.data ?? {}) as IDataObject, String(options.binaryField || 'data'));
	return {
		json: problems.length > 0 ? { ...event, mediaProblems: problems } : event,
		...(Object.keys(binary).length > 0 ? { binary } : {}),
	};
}

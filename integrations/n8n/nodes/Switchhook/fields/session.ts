import type { INodeProperties } from 'n8n-workflow';

import { locator, operations, paging, shownFor } from './shared';

export const sessionFields: INodeProperties[] = [
	operations(
		'session',
		[
			{ name: 'Check Numbers', value: 'checkNumbers', action: 'Check phone numbers', description: 'Ask which phone numbers have WhatsApp' },
			{ name: 'Create', value: 'create', action: 'Create a session', description: 'Begin to link another phone' },
			{ name: 'Get Many', value: 'getAll', action: 'Get many sessions', description: 'List linked WhatsApp devices' },
			{ name: 'Get QR Code', value: 'getQr', action: 'Get the QR code of a session', description: 'Get the code to scan as a picture' },
			{ name: 'Get Status', value: 'get', action: 'Get the status of a session', description: 'Show a session, and what has to be done next' },
			{
				name: 'Link Again',
				value: 'link',
				action: 'Link a session again',
				description: 'Begin to link again after the codes ran out or the device was unlinked',
			},
			{ name: 'Log Out', value: 'logout', action: 'Log out a session', description: 'Unlink the device; the session can be linked again' },
			{
				name: 'Pair by Code',
				value: 'pair',
				action: 'Pair a session by code',
				description: 'Link by a code to type into the phone in place of the QR code',
			},
		],
		'get',
	),
	{
		displayName: 'Name',
		name: 'sessionName',
		type: 'string',
		default: '',
		placeholder: 'e.g. Support phone',
		description: 'Name of the session for people',
		...shownFor('session', ['create']),
	},
	locator(
		'Session',
		'sessionId',
		'searchSessions',
		'sess_01kaj5v0x7h3k5n7q9s1v3w5y7',
		'The linked WhatsApp device',
		shownFor('session', ['get', 'getQr', 'link', 'pair', 'logout', 'checkNumbers']),
	),
	{
		displayName: 'Put Output File in Field',
		name: 'binaryField',
		type: 'string',
		default: 'data',
		required: true,
		hint: 'The name of the output binary field to put the picture in',
		...shownFor('session', ['getQr']),
	},
	{
		displayName: 'Phone Number',
		name: 'phoneNumber',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'e.g. 15551234567',
		description: 'The number of the phone to link, with its country code',
		...shownFor('session', ['pair']),
	},
	{
		displayName: 'Numbers',
		name: 'numbers',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'e.g. 15551234567, 15557654321',
		description:
			'At most 50 phone numbers with their country codes, with commas between them, or an array. Ask about people who expect to hear from you: WhatsApp restricts accounts that try out numbers.',
		...shownFor('session', ['checkNumbers']),
	},
	...paging('session'),
];

export const channelFields: INodeProperties[] = [
	operations(
		'channel',
		[
			{ name: 'Check', value: 'check', action: 'Check a channel', description: 'Ask the network whether the credentials of a channel work' },
			{ name: 'Get', value: 'get', action: 'Get a channel', description: 'Show a channel and its status' },
			{ name: 'Get Many', value: 'getAll', action: 'Get many channels', description: 'List channels' },
		],
		'getAll',
	),
	locator('Channel', 'channelId', 'searchChannels', 'chan_01kaj5v0x7e8g2j4m6p8r0t2v4', 'The channel', shownFor('channel', ['get', 'check'])),
	...paging('channel'),
];

export const webhookFields: INodeProperties[] = [
	operations(
		'webhook',
		[
			{
				name: 'Get Deliveries',
				value: 'getDeliveries',
				action: 'Get deliveries to webhooks',
				description: 'List what was sent to webhooks, and why it failed',
			},
			{
				name: 'Get Many',
				value: 'getAll',
				action: 'Get many webhooks',
				description: 'List subscriptions with their status, and why one is switched off',
			},
		],
		'getAll',
	),
	...paging('webhook', ['getAll', 'getDeliveries']),
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add Filter',
		default: {},
		...shownFor('webhook', ['getDeliveries']),
		options: [
			{
				displayName: 'Event ID',
				name: 'eventId',
				type: 'string',
				default: '',
				placeholder: 'e.g. evt_01kaj5v0x7fm2zq4w9b3c8da40',
				description: 'Only deliveries of this event',
			},
			{
				displayName: 'Status',
				name: 'status',
				type: 'options',
				options: [
					{ name: 'Cancelled', value: 'cancelled' },
					{ name: 'Delivered', value: 'delivered' },
					{ name: 'Failed', value: 'failed' },
					{ name: 'Held', value: 'held' },
					{ name: 'Pending', value: 'pending' },
				],
				default: 'failed',
				description: 'Only deliveries that have come as far as this',
			},
			{
				displayName: 'Webhook Name or ID',
				name: 'webhookId',
				type: 'options',
				typeOptions: { loadOptionsMethod: 'getSubscriptions' },
				default: '',
				description:
					'Only deliveries to this webhook. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
			},
		],
	},
];

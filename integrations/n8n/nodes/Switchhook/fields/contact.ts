import type { INodeProperties } from 'n8n-workflow';

import { locator, operations, paging, shownFor } from './shared';

const blocked: INodeProperties = {
	displayName: 'Blocked',
	name: 'isBlocked',
	type: 'boolean',
	default: false,
	description: 'Whether messages of this person are kept without starting workflows',
};

const countryCode: INodeProperties = {
	displayName: 'Country Code',
	name: 'countryCode',
	type: 'string',
	default: '',
	placeholder: 'e.g. 1',
	description: 'The country code within the phone number',
};

const extraFields: INodeProperties = {
	displayName: 'Extra Fields (JSON)',
	name: 'extraFields',
	type: 'json',
	default: '',
	placeholder: 'e.g. {"city": "Berlin"}',
	description: 'Further facts as a JSON object. They replace those that are there.',
};

const fullName: INodeProperties = {
	displayName: 'Name',
	name: 'name',
	type: 'string',
	default: '',
	placeholder: 'e.g. Jane Doe',
	description: 'Name of the person',
};

const phoneNumber: INodeProperties = {
	displayName: 'Phone Number',
	name: 'phoneNumber',
	type: 'string',
	default: '',
	placeholder: 'e.g. 15551234567',
	description: 'With the country code. Each number is there once.',
};

export const contactFields: INodeProperties[] = [
	operations(
		'contact',
		[
			{ name: 'Create', value: 'create', action: 'Create a contact', description: 'Add a person' },
			{ name: 'Delete', value: 'delete', action: 'Delete a contact', description: 'Remove a person; messages stay' },
			{ name: 'Get', value: 'get', action: 'Get a contact', description: 'Show a person' },
			{ name: 'Get Many', value: 'getAll', action: 'Get many contacts', description: 'List people, or find one by name or number' },
			{ name: 'Update', value: 'update', action: 'Update a contact', description: 'Change a person' },
		],
		'create',
	),
	{ ...phoneNumber, required: true, ...shownFor('contact', ['create']) },
	{
		displayName: 'Additional Fields',
		name: 'contactFields',
		type: 'collection',
		placeholder: 'Add Field',
		default: {},
		...shownFor('contact', ['create']),
		options: [blocked, countryCode, extraFields, fullName],
	},
	locator('Contact', 'contactId', 'searchContacts', '42', 'The person', shownFor('contact', ['get', 'update', 'delete'])),
	{
		displayName: 'Update Fields',
		name: 'updateFields',
		type: 'collection',
		placeholder: 'Add Field',
		default: {},
		...shownFor('contact', ['update']),
		options: [blocked, countryCode, extraFields, fullName, phoneNumber],
	},
	...paging('contact'),
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add Filter',
		default: {},
		...shownFor('contact', ['getAll']),
		options: [
			{ ...phoneNumber, description: 'Only the contact with this number' },
			{
				displayName: 'Search',
				name: 'q',
				type: 'string',
				default: '',
				placeholder: 'e.g. Jane',
				description: 'Only people whose name or number contains this',
			},
		],
	},
];

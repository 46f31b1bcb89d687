import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

/** Shows a field with some operations of a resource only. */
export function shownFor(resource: string, operations: string[], more: Record<string, unknown[]> = {}): Pick<INodeProperties, 'displayOptions'> {
	return { displayOptions: { show: { resource: [resource], operation: operations, ...more } } as INodeProperties['displayOptions'] };
}

/** The choice of what to do with a resource. */
export function operations(resource: string, options: INodePropertyOptions[], first: string): INodeProperties {
	return {
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: [resource] } },
		options,
		default: first,
	};
}

/** A thing that is chosen from a searchable list, or named by its id. */
export function locator(
	displayName: string,
	name: string,
	search: string,
	placeholder: string,
	description: string,
	shown: Pick<INodeProperties, 'displayOptions'>,
): INodeProperties {
	return {
		displayName,
		name,
		type: 'resourceLocator',
		default: { mode: 'list', value: '' },
		required: true,
		description,
		...shown,
		modes: [
			{ displayName: 'From List', name: 'list', type: 'list', typeOptions: { searchListMethod: search, searchable: true } },
			{ displayName: 'By ID', name: 'id', type: 'string', placeholder: `e.g. ${placeholder}` },
		],
	};
}

/** Return All and Limit. */
export function paging(resource: string, lists = ['getAll']): INodeProperties[] {
	return [
		{
			displayName: 'Return All',
			name: 'returnAll',
			type: 'boolean',
			default: false,
			description: 'Whether to return all results or only up to a given limit',
			...shownFor(resource, lists),
		},
		{
			displayName: 'Limit',
			name: 'limit',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 50,
			description: 'Max number of results to return',
			...shownFor(resource, lists, { returnAll: [false] }),
		},
	];
}

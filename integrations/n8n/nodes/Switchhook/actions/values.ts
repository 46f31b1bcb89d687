import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { rows } from '../../api/request';

/** One operation on one item. */
export type Action = (ctx: IExecuteFunctions, i: number) => Promise<INodeExecutionData[]>;

/** A text parameter without spaces around it. */
export function text(ctx: IExecuteFunctions, name: string, i: number): string {
	return String(ctx.getNodeParameter(name, i, '') ?? '').trim();
}

/** The id in a resource locator, ready for a path where `encode` is left on. Throws where nothing was chosen. */
export function chosen(ctx: IExecuteFunctions, name: string, label: string, i: number): string {
	const id = String(ctx.getNodeParameter(name, i, '', { extractValue: true }) ?? '').trim();
	if (id === '') {
		throw new NodeOperationError(ctx.getNode(), `Choose a ${label.toLowerCase()}`, {
			description: `"${label}" is empty. Choose one from the list, or give its ID by an expression.`,
			itemIndex: i,
		});
	}
	return id;
}

/** A path with an id in it. */
export function at(prefix: string, id: string, suffix = ''): string {
	return `${prefix}/${encodeURIComponent(id)}${suffix}`;
}

/** A JSON object of a parameter; undefined where it is empty. */
export function objectOf(ctx: IExecuteFunctions, given: unknown, label: string, i: number): IDataObject | undefined {
	if (given === undefined || given === null || given === '') return undefined;
	try {
		const found = (typeof given === 'string' ? JSON.parse(given) : given) as IDataObject;
		if (typeof found === 'object' && found !== null && !Array.isArray(found)) {
			return Object.keys(found).length > 0 ? found : undefined;
		}
	} catch {
		// falls through to the sentence below, which is of more use than the parser's
	}
	throw new NodeOperationError(ctx.getNode(), `${label} is not a JSON object`, {
		description: 'Write it as {"name": "value"}: names and texts in double quotes, no comma behind the last one.',
		itemIndex: i,
	});
}

/** One item. */
export function single(data: IDataObject): INodeExecutionData[] {
	return [{ json: data }];
}

/** The items of a list, by the parameters Return All and Limit. */
export async function listed(ctx: IExecuteFunctions, path: string, qs: IDataObject, i: number): Promise<INodeExecutionData[]> {
	const all = ctx.getNodeParameter('returnAll', i, false) as boolean;
	const limit = all ? Infinity : (ctx.getNodeParameter('limit', i, 50) as number);
	return (await rows(ctx, path, qs, limit, i)).map((row) => ({ json: row }));
}

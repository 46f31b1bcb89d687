import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { idempotencyKey } from '../../api/idempotency';
import { json } from '../../api/request';

/** A file of a form. */
export interface FormFile {
	name: string;
	type: string;
	bytes: Buffer;
}

/**
 * A multipart form with a post or a message and its files. The boundary comes from the idempotency key, so that a repeated request is the same to
 * the byte.
 */
export function form(payload: object, files: FormFile[], alts: string[], key: string): { body: Buffer; type: string } {
	const boundary = `switchhook-${key}`;
	const part = (headers: string, bytes: Buffer): Buffer[] => [Buffer.from(`--${boundary}\r\n${headers}\r\n\r\n`), bytes, Buffer.from('\r\n')];
	const text = (name: string, value: string): Buffer[] => part(`Content-Disposition: form-data; name="${name}"`, Buffer.from(value));
	const pieces = [
		...text('payload', JSON.stringify(payload)),
		...files.flatMap((file) =>
			part(`Content-Disposition: form-data; name="media_file"; filename="${safe(file.name)}"\r\nContent-Type: ${safe(file.type)}`, file.bytes),
		),
		...alts.flatMap((alt) => text('alt', alt)),
		Buffer.from(`--${boundary}--\r\n`),
	];
	return { body: Buffer.concat(pieces), type: `multipart/form-data; boundary=${boundary}` };
}

/** The files in the named binary fields of an item. Throws where one is not there. */
async function filesOf(ctx: IExecuteFunctions, names: string[], i: number): Promise<FormFile[]> {
	const files: FormFile[] = [];
	for (const name of names) {
		const data = ctx.helpers.assertBinaryData(i, name);
		const bytes = await ctx.helpers.getBinaryDataBuffer(i, name);
		files.push({ name: data.fileName ?? name, type: data.mimeType, bytes });
	}
	return files;
}

/** Makes a post or a message: as JSON, or as a form where files of the item go with it. */
export async function make(
	ctx: IExecuteFunctions,
	path: string,
	body: IDataObject,
	given: { names: string[]; alts?: string[] },
	i: number,
): Promise<IDataObject> {
	const call = { method: 'POST' as const, path, itemIndex: i };
	if (given.names.length === 0) return await json(ctx, { ...call, body, key: idempotencyKey(ctx, i, body) });
	const key = idempotencyKey(ctx, i, { ...body, names: given.names });
	const made = form(body, await filesOf(ctx, given.names, i), given.alts ?? [], key);
	return await json(ctx, { ...call, body: made.body, headers: { 'Content-Type': made.type }, key });
}

/** A value for a quoted place in a header. */
function safe(value: string): string {
	return [...value].map((c) => (c < ' ' || c === '"' || c === '\\' ? '_' : c)).join('');
}

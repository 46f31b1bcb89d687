/** A file of a form. */
export interface FormFile {
	name: string;
	type: string;
	bytes: Buffer;
}

/**
 * A multipart form with a post and its files. The boundary comes from the idempotency key, so that a repeated request is the same to
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

/** A value for a quoted place in a header. */
function safe(value: string): string {
	return [...value].map((c) => (c < ' ' || c === '"' || c === '\\' ? '_' : c)).join('');
}

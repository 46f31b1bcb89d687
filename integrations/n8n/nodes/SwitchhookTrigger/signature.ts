import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far a delivery's time may be from our clock, in seconds: what the Standard Webhooks recommend. */
export const tolerance = 300;

/** A delivery as it arrived. */
export interface Signed {
	/** Names in lower case. */
	headers: Record<string, string | string[] | undefined>;
	raw: Buffer;
	/** Secrets that the signature may be made with, as the server showed them. */
	secrets: string[];
	/** Milliseconds since 1970. */
	now: number;
}

/**
 * Says what is wrong with the signature of a delivery; undefined where it is good. The signature of the Standard Webhooks decides
 * where it is there, since it also covers the time; a delivery with X-Switchhook-Signature only is judged by that.
 */
export function signatureProblem(given: Signed): string | undefined {
	const standard = header(given, 'webhook-signature');
	const plain = header(given, 'x-switchhook-signature');
	if (given.secrets.length === 0) {
		return 'This workflow has no secret to check signatures with. Unpublish and publish it again.';
	}
	if (standard === '' && plain === '') {
		return 'The request is not signed. Only Switchhook may send to this address.';
	}
	if (standard === '') {
		return given.secrets.some((secret) => same(plain, hexSignature(secret, given.raw))) ? undefined : mismatch;
	}
	const sentAt = Number(header(given, 'webhook-timestamp'));
	const candidates = standard.split(' ');
	const good = given.secrets.some((secret) => {
		const expected = standardSignature(secret, header(given, 'webhook-id'), header(given, 'webhook-timestamp'), given.raw);
		return candidates.some((candidate) => same(candidate, expected));
	});
	if (!good) return mismatch;
	if (!(Math.abs(given.now / 1000 - sentAt) <= tolerance)) {
		return 'The request was signed more than five minutes ago or ahead. Set the clocks of both machines.';
	}
	return undefined;
}

const mismatch = 'The signature does not fit. If the secret of the webhook was rotated in Switchhook, unpublish and publish the workflow again.';

/** The signature of the Standard Webhooks, keyed with the bytes behind whsec_. */
export function standardSignature(secret: string, id: string, timestamp: string, raw: Buffer): string {
	const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
	return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(raw).digest('base64')}`;
}

/** The signature of X-Switchhook-Signature, keyed with the secret as it is shown. */
export function hexSignature(secret: string, raw: Buffer): string {
	return `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`;
}

function header(given: Signed, name: string): string {
	const value = given.headers[name];
	return (Array.isArray(value) ? value[0] : value) ?? '';
}

function same(given: string, expected: string): boolean {
	const a = Buffer.from(given);
	const b = Buffer.from(expected);
	return a.length === b.length && timingSafeEqual(a, b);
}

import type {
	IDataObject,
	IExecuteFunctions,
	IHookFunctions,
	IHttpRequestMethods,
	IHttpRequestOptions,
	ILoadOptionsFunctions,
	IWebhookFunctions,
} from 'n8n-workflow';
import { NodeOperationError, sleep } from 'n8n-workflow';

import type { Answer } from './errors';
import { isProblem, refusal, unreachable } from './errors';

export type Context = IExecuteFunctions | IHookFunctions | ILoadOptionsFunctions | IWebhookFunctions;

/** One request to the server. */
export interface Call {
	method: IHttpRequestMethods;
	/** Begins with a slash; ids in it are encoded already. */
	path: string;
	qs?: IDataObject;
	/** JSON, or the bytes of a form. */
	body?: IDataObject | Buffer;
	headers?: Record<string, string>;
	/** Idempotency-Key. */
	key?: string;
	/** Whether the answer is a file. */
	bytes?: boolean;
	/** Statuses that are no failure although they are not 2xx. */
	expect?: number[];
	/** A sentence for the description of a refusal. */
	hint?: string;
	itemIndex?: number;
}

/** Of docs/errors.md: what may be asked again, and how often and how long we wait for it (seconds). */
const maxTries = 4;
const maxPause = 30;
const requestTimeout = 60_000; // a send waits for its network

/** The credential's address without slashes at its end. Throws where it is no http address. */
export async function baseUrl(ctx: Context): Promise<string> {
	const { baseUrl: given } = await ctx.getCredentials<{ baseUrl: string }>('switchhookApi');
	const address = String(given ?? '')
		.trim()
		.replace(/\/+$/, '');
	if (!/^https?:\/\/[^/]/.test(address)) {
		throw new NodeOperationError(ctx.getNode(), 'The credential has no usable Base URL', {
			description: 'Enter the address of your Switchhook server with http:// or https:// in front, such as https://hooks.example.com.',
		});
	}
	return address;
}

/** Asks the server and gives its answer. Waits and asks again where the server says when. Throws a NodeApiError in plain words. */
export async function request(ctx: Context, call: Call): Promise<Answer> {
	const address = await baseUrl(ctx);
	for (let attempt = 1; ; attempt++) {
		const answer = await ask(ctx, call, address);
		if ((answer.status >= 200 && answer.status < 300) || call.expect?.includes(answer.status)) {
			if (!call.bytes && answer.status !== 204 && (typeof answer.body !== 'object' || answer.body === null)) {
				throw refusal(ctx.getNode(), answer, address, call.itemIndex);
			}
			return answer;
		}
		const pause = attempt < maxTries ? pauseOf(answer) : undefined;
		if (pause === undefined) throw refusal(ctx.getNode(), answer, address, call.itemIndex, call.hint);
		await sleep(pause * 1000);
	}
}

/** The JSON that the server answers a call with. */
export async function json<T = IDataObject>(ctx: Context, call: Call): Promise<T> {
	return (await request(ctx, call)).body as T;
}

/** Rows of a list, page by page: all of them, or as many as asked for. */
export async function rows(ctx: Context, path: string, qs: IDataObject, limit: number, itemIndex?: number): Promise<IDataObject[]> {
	const found: IDataObject[] = [];
	let cursor: string | undefined;
	do {
		const size = Math.min(100, limit - found.length);
		const page = await pageOf(ctx, path, { ...qs, limit: size, cursor }, itemIndex);
		found.push(...page.data);
		cursor = page.nextCursor ?? undefined;
	} while (cursor && found.length < limit);
	return found.slice(0, limit);
}

/** A page of a list. */
interface Page {
	data: IDataObject[];
	nextCursor: string | null;
}

/** One page of a list. JSON that is no list is that of another program. */
export async function pageOf(ctx: Context, path: string, qs: IDataObject, itemIndex?: number): Promise<Page> {
	const answer = await request(ctx, { method: 'GET', path, qs, itemIndex });
	const page = answer.body as Page;
	if (!Array.isArray(page.data)) throw refusal(ctx.getNode(), answer, await baseUrl(ctx), itemIndex);
	return page;
}

async function ask(ctx: Context, call: Call, address: string): Promise<Answer> {
	const options: IHttpRequestOptions = {
		method: call.method,
		url: address + call.path,
		qs: defined(call.qs ?? {}),
		headers: { Accept: call.bytes ? '*/*' : 'application/json', ...call.headers, ...(call.key ? { 'Idempotency-Key': call.key } : {}) },
		body: call.body,
		json: !call.bytes && !Buffer.isBuffer(call.body),
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true, // a redirected POST becomes a GET, and a key must not follow to a stranger
		timeout: requestTimeout,
	};
	if (call.bytes) options.encoding = 'arraybuffer';
	try {
		const given = (await ctx.helpers.httpRequestWithAuthentication.call(ctx, 'switchhookApi', options)) as {
			statusCode: number;
			headers: Record<string, unknown>;
			body: unknown;
		};
		return { status: given.statusCode, headers: given.headers ?? {}, body: parsed(given.body, call.bytes === true && given.statusCode < 300) };
	} catch (problem) {
		throw unreachable(ctx.getNode(), problem, address, call.itemIndex);
	}
}

function parsed(body: unknown, bytes: boolean): unknown {
	if (bytes) return body;
	const text = Buffer.isBuffer(body) || body instanceof ArrayBuffer ? Buffer.from(body as Buffer).toString('utf8') : body;
	if (typeof text !== 'string') return text;
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return text;
	}
}

/** Seconds until the same request may be sent again; undefined where it is not to be. */
function pauseOf(answer: Answer): number | undefined {
	const again = [429, 502, 503].includes(answer.status) || (isProblem(answer.body) && answer.body.code === 'idempotency_in_progress');
	const seconds = Number(answer.headers['retry-after']);
	return again && seconds > 0 && seconds <= maxPause ? seconds : undefined;
}

/** An object without its undefined and empty values. */
export function defined(given: IDataObject): IDataObject {
	return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null && value !== ''));
}

import type { INode, JsonObject } from 'n8n-workflow';
import { NodeApiError } from 'n8n-workflow';

/** What the server answered. `body` is parsed where it is JSON; else it is the text, or bytes where those were asked for. */
export interface Answer {
	status: number;
	headers: Record<string, unknown>;
	body: unknown;
}

/** An error of the server: the same form at every address. */
interface Problem {
	code: string;
	message: string;
	field?: string;
	errors?: Array<{ field: string; code: string; message: string }>;
	provider?: { code?: number | string; message?: string } | null;
	requestId?: string;
}

/** Short titles by the server's codes; its own sentence, which says what to do, stands below. */
const titles: Record<string, string> = {
	unauthorized: 'Switchhook does not accept the API key',
	forbidden: 'The API key is not allowed to do this',
	not_found: 'Switchhook does not have this',
	route_not_found: 'The server does not know this address',
	invalid_field: 'Switchhook cannot take a value',
	required_field: 'A value is missing',
	unknown_field: 'The server does not know a field: it is older than this node',
	invalid_url: 'Switchhook cannot use an address',
	media_rejected: 'A file cannot be posted',
	media_unavailable: 'A file cannot be fetched',
	session_not_connected: 'The WhatsApp session is not connected',
	channel_not_connected: 'The channel is not connected',
	no_channel: 'There is no channel that fits',
	unsupported: 'This kind of channel cannot do that',
	invalid_recipient: 'The recipient cannot be reached',
	window_expired: 'The person has to write first',
	auth_failed: 'The network refuses the credentials of the channel',
	rate_limited: 'Too many requests with this API key',
	provider_rate_limited: 'The network wants fewer messages',
	provider_unavailable: 'The network cannot be reached at the moment',
	provider_timeout: 'The network did not answer in time',
	conflict: 'Switchhook cannot do this in the present state',
	idempotency_conflict: 'This item was sent before with other content',
	idempotency_in_progress: 'This item is still being sent',
};

const advice: Record<string, string> = {
	unauthorized: 'Open the credential in n8n and enter a key that exists; "switchhook keys create" makes one.',
	idempotency_conflict:
		'A retry of an execution never sends an item twice. Start a new execution to send the new content, or let the node continue on failure to go on with the other items.',
	provider_timeout: 'The message may have gone out. Look it up with Message, Get before you send it again.',
};

/** Whether a body is an error of ours and not some other program's. */
export function isProblem(body: unknown): body is Problem {
	const given = body as Problem | null;
	return typeof given === 'object' && given !== null && typeof given.code === 'string' && typeof given.message === 'string';
}

/** The error of an answer that is none of ours, or says that something is wrong. `hint` is a further sentence for this call. */
export function refusal(node: INode, answer: Answer, address: string, itemIndex?: number, hint?: string): NodeApiError {
	const httpCode = String(answer.status);
	if (!isProblem(answer.body)) {
		return new NodeApiError(node, { httpCode } as JsonObject, { ...stranger(answer, address), httpCode, itemIndex });
	}
	const { code, message, errors, provider, requestId } = answer.body;
	const fields = (errors ?? []).map((one) => one.message).filter((text) => text !== message);
	const words = provider?.message ? `The network says: ${provider.message}` : '';
	const description = [message, ...fields, words, hint ?? advice[code] ?? '', requestId ? `Request ${requestId}.` : ''];
	return new NodeApiError(
		node,
		{ ...(answer.body as unknown as JsonObject), httpCode },
		{
			message: title(code, errors),
			description: description.filter((text) => text !== '').join(' '),
			httpCode,
			itemIndex,
		},
	);
}

function title(code: string, errors: Problem['errors']): string {
	const names = (errors ?? []).map((one) => one.field).filter((name) => name !== '');
	if (names.length > 0 && (code === 'invalid_field' || code === 'required_field')) {
		return `Switchhook cannot take these values: ${names.join(', ')}`;
	}
	return titles[code] ?? 'Switchhook refused the request';
}

/** Words for an answer that does not come from Switchhook: a web page, a proxy, another program. */
function stranger(answer: Answer, address: string): { message: string; description: string } {
	if (answer.status >= 300 && answer.status < 400) {
		const target = typeof answer.headers.location === 'string' ? answer.headers.location : 'another address';
		return {
			message: 'The Base URL is not the last word: the server sends us elsewhere',
			description: `${address} redirects to ${target}. Enter the address that it leads to as Base URL of the credential.`,
		};
	}
	if (answer.status >= 502 && answer.status <= 504) {
		return {
			message: 'Switchhook does not answer',
			description: `A proxy in front of ${address} answered ${answer.status}. Start Switchhook, or look why its proxy does not reach it.`,
		};
	}
	return {
		message: 'The Base URL does not lead to Switchhook',
		description: `${address} answered ${answer.status} with something that is not Switchhook's JSON, such as a web page. Enter the address of your Switchhook server as Base URL of the credential, without a path behind it.`,
	};
}

const causes: Array<[RegExp, string]> = [
	[
		/ECONNREFUSED/,
		'Nothing listens there. Start Switchhook, or correct the Base URL of the credential. From n8n in a container, "localhost" is that container itself.',
	],
	[/ENOTFOUND|EAI_AGAIN/, 'The name of the server is not known. Correct the Base URL of the credential.'],
	[/ETIMEDOUT|ECONNABORTED|timeout/i, 'No answer came in time. Look whether the server runs and whether a firewall lies between.'],
	[/CERT|certificate|SSL|TLS/i, 'The certificate of the server is not accepted. Mend the certificate, or use the address that it was made for.'],
	[/Invalid URL|ERR_INVALID_URL|Unsupported protocol/i, 'The Base URL of the credential has to begin with http:// or https://.'],
];

/** The error of a request that got no answer. */
export function unreachable(node: INode, problem: unknown, address: string, itemIndex?: number): NodeApiError {
	const text = wordsOf(problem);
	const found = causes.find(([pattern]) => pattern.test(text));
	return new NodeApiError(node, { message: text } as JsonObject, {
		message: 'Switchhook cannot be reached',
		description: `${address}: ${found ? found[1] : text}`,
		itemIndex,
	});
}

function wordsOf(problem: unknown, depth = 0): string {
	if (typeof problem !== 'object' || problem === null || depth > 3) return String(problem ?? '');
	const { code, message, cause, description } = problem as Record<string, unknown>;
	const own = [code, message, description].filter((part) => typeof part === 'string').join(' ');
	return cause ? `${own} ${wordsOf(cause, depth + 1)}` : own;
}

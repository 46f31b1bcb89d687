// What n8n gives to a node, as far as these nodes use it: parameters from an object, requests by fetch, files in memory.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The compiled module at a path below dist. */
export const built = (path) => require(`../dist/${path}`);

/** A request as n8n's helper makes it. */
async function httpRequest(options) {
	const url = new URL(options.url);
	for (const [name, value] of Object.entries(options.qs ?? {})) url.searchParams.set(name, String(value));
	const headers = { ...options.headers };
	let body;
	if (Buffer.isBuffer(options.body)) body = options.body;
	else if (options.body && Object.keys(options.body).length > 0) {
		body = JSON.stringify(options.body);
		headers['Content-Type'] ??= 'application/json';
	}
	const answer = await fetch(url, {
		method: options.method,
		headers,
		body,
		redirect: options.disableFollowRedirect ? 'manual' : 'follow',
		signal: AbortSignal.timeout(options.timeout ?? 60_000),
	});
	const bytes = Buffer.from(await answer.arrayBuffer());
	let content = options.encoding === 'arraybuffer' ? bytes : bytes.toString('utf8');
	if (typeof content === 'string') {
		try {
			content = JSON.parse(content);
		} catch {
			// stays text, as with n8n
		}
	}
	if (!options.returnFullResponse) {
		if (!answer.ok) throw new Error(`Request failed with status code ${answer.status}`);
		return content;
	}
	return { statusCode: answer.status, headers: Object.fromEntries(answer.headers), body: content };
}

/** Parameter values by path, with the defaults of the description where none is given. */
function parameters(description, given) {
	return (name, itemIndex, fallback, options) => {
		if (typeof itemIndex !== 'number') [itemIndex, fallback, options] = [0, itemIndex, fallback];
		const of = Array.isArray(given) ? given[itemIndex] : given;
		let value = name.split('.').reduce((at, part) => at?.[part], of);
		if (value === undefined) {
			const shown = description.properties.filter((one) => one.name === name && fits(one, of));
			value = shown.length > 0 ? shown[0].default : fallback;
		}
		if (value === undefined) throw new Error(`Could not get parameter ${name}`);
		return options?.extractValue && typeof value === 'object' && value !== null ? value.value : value;
	};
}

/** Whether a property is shown with these parameters. */
export function fits(property, of) {
	const show = property.displayOptions?.show ?? {};
	return Object.entries(show).every(([name, values]) => values.includes(of[name]));
}

/** A context for execute(), webhook(), hooks and lists alike. */
export function context({ type, given, credentials, items = [{ json: {} }], facts = {}, binary = {} }) {
	const { description } = type;
	const state = { requests: [], warnings: [], static: {}, kept: {}, answer: undefined, ...facts };
	return {
		state,
		getInputData: () => items,
		getNodeParameter: parameters(description, given),
		getNode: () => ({
			id: 'node-1',
			name: description.displayName,
			type: facts.type ?? `n8n-nodes-switchhook.${description.name}`,
			typeVersion: 1,
			position: [0, 0],
			parameters: {},
		}),
		getWorkflow: () => ({ id: facts.workflow ?? 'wf-1', name: 'Orders', active: true }),
		getInstanceId: () => 'instance-1',
		getExecutionId: () => facts.execution ?? '7',
		getContext: () => state.kept,
		evaluateExpression: () => facts.round ?? 0,
		getTimezone: () => facts.zone ?? 'Europe/Berlin',
		getMode: () => facts.mode ?? 'trigger',
		continueOnFail: () => facts.goOn ?? false,
		getCredentials: async () => credentials,
		getWorkflowStaticData: () => state.static,
		getNodeWebhookUrl: () => state.webhookUrl,
		getHeaderData: () => state.headers,
		getRequestObject: () => ({ rawBody: state.rawBody }),
		getResponseObject: () => ({
			status(code) {
				state.answer = { code };
				return this;
			},
			json(body) {
				state.answer.body = body;
			},
		}),
		logger: { warn: (text) => state.warnings.push(text) },
		helpers: {
			httpRequest,
			async httpRequestWithAuthentication(_name, options) {
				state.requests.push(options);
				return await httpRequest({ ...options, headers: { ...options.headers, 'X-Api-Key': credentials.apiKey } });
			},
			assertBinaryData(_i, name) {
				if (!binary[name]) throw new Error(`This operation expects the node's input data to contain a binary file '${name}', but none was found`);
				return { fileName: binary[name].fileName, mimeType: binary[name].mimeType, data: '' };
			},
			getBinaryDataBuffer: async (_i, name) => binary[name].bytes,
			prepareBinaryData: async (bytes, fileName, mimeType) => ({ bytes, fileName, mimeType, data: bytes.toString('base64') }),
		},
	};
}

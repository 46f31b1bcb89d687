import type { IBinaryKeyData, IDataObject, IWebhookFunctions } from 'n8n-workflow';

import { baseUrl } from '../api/request';

/** Switchhook waits ten seconds for our answer, and the files are fetched before it. */
const patience = 7000;

/** The files of a message as binary data. Those that could not be fetched are named in `problems`; their addresses stay in the data. */
export async function filesOf(
	ctx: IWebhookFunctions,
	data: IDataObject,
	field: string,
): Promise<{ binary: IBinaryKeyData; problems: IDataObject[] }> {
	const media = Array.isArray(data.media) ? (data.media as IDataObject[]) : [];
	const base = media.length > 0 ? await baseUrl(ctx) : '';
	const binary: IBinaryKeyData = {};
	const problems: IDataObject[] = [];
	await Promise.all(
		media.map(async (file, n) => {
			const url = reachable(String(file.url ?? ''), base);
			try {
				const bytes = (await ctx.helpers.httpRequest({ method: 'GET', url, encoding: 'arraybuffer', timeout: patience })) as Buffer;
				const name = file.fileName ? String(file.fileName) : undefined;
				const type = file.contentType ? String(file.contentType).split(';')[0] : undefined;
				binary[n === 0 ? field : `${field}_${n}`] = await ctx.helpers.prepareBinaryData(Buffer.from(bytes), name, type);
			} catch (problem) {
				problems.push({
					url,
					message: `The file could not be fetched in time: ${(problem as Error).message}. Fetch it with an HTTP Request node.`,
				});
			}
		}),
	);
	return { binary, problems };
}

/** The server's own files by the address under which n8n knows it, which may be another than its public one. */
function reachable(url: string, base: string): string {
	const own = /^https?:\/\/[^/]+(\/.*)?(\/media\/[^/?#]+)$/.exec(url);
	return own ? base + own[2] : url;
}

import type { IDataObject, ILoadOptionsFunctions, INodeListSearchResult, INodePropertyOptions } from 'n8n-workflow';

import { pageOf, rows } from './request';

const pageSize = 100;
/** Enough for every account that a person can find something in by scrolling. */
const maxOptions = 1000;
/** The longest text that the server searches for, in characters. */
const maxSearch = 100;

type Naming = (row: IDataObject) => { name: string; description?: string };

const channelNames: Naming = (row) => {
	const trouble = row.status === 'connected' || row.status === 'new' ? '' : ` (${wordsOf[String(row.status)] ?? row.status})`;
	const address = row.address && row.address !== row.name ? ` · ${row.address}` : '';
	return { name: `${row.name || row.id}${address} · ${row.connector}${trouble}`, description: String(row.statusMessage ?? '') || undefined };
};

const wordsOf: Record<string, string> = { needs_link: 'has to be connected again', disabled: 'switched off' };

const sessionNames: Naming = (row) => ({
	name: `${row.name || row.id}${row.phone ? ` · ${row.phone}` : ''} · ${String(row.status).toLowerCase().replace('_', ' ')}`,
	description: String(row.message ?? '') || undefined,
});

const contactNames: Naming = (row) => ({ name: row.name ? `${row.name} · ${row.phone_number}` : String(row.phone_number) });

const queueNames: Naming = (row) => ({ name: `${row.name}${row.status === 'paused' ? ' (paused)' : ''}` });

const postNames: Naming = (row) => {
	const words = String(row.title || row.body || row.id)
		.replace(/\s+/g, ' ')
		.trim();
	return { name: `${words.length > 60 ? `${words.slice(0, 59)}…` : words} · ${row.status}` };
};

/** One page of a list that the server searches, for a resource locator. */
async function asked(
	ctx: ILoadOptionsFunctions,
	path: string,
	naming: Naming,
	filter: string | undefined,
	token: string | undefined,
): Promise<INodeListSearchResult> {
	const page = await pageOf(ctx, path, { limit: pageSize, cursor: token, q: filter?.trim().slice(0, maxSearch) });
	const results = page.data.map((row) => ({ ...naming(row), value: String(row.id) }));
	return { results, paginationToken: page.nextCursor ?? undefined };
}

/**
 * One page of a list for a resource locator, searched in what the editor shows, which is more than the server searches: the kind of a
 * channel, the state of a session. With a filter, goes on to the first page that has something to show.
 */
async function searched(
	ctx: ILoadOptionsFunctions,
	path: string,
	naming: Naming,
	filter: string | undefined,
	token: string | undefined,
	qs: IDataObject = {},
): Promise<INodeListSearchResult> {
	const wanted = (filter ?? '').trim().toLowerCase();
	let cursor = token;
	for (;;) {
		const page = await pageOf(ctx, path, { ...qs, limit: pageSize, cursor });
		const results = page.data
			.map((row) => ({ ...naming(row), value: String(row.id) }))
			.filter((row) => `${row.name} ${row.value}`.toLowerCase().includes(wanted));
		cursor = page.nextCursor ?? undefined;
		if (results.length > 0 || !cursor) return { results, paginationToken: cursor };
	}
}

/** What the "From List" modes of the resource locators call. */
export const listSearch = {
	async searchChannels(this: ILoadOptionsFunctions, filter?: string, token?: string): Promise<INodeListSearchResult> {
		return await searched(this, '/v1/channels', channelNames, filter, token);
	},
	async searchSendingChannels(this: ILoadOptionsFunctions, filter?: string, token?: string): Promise<INodeListSearchResult> {
		return await searched(this, '/v1/channels', channelNames, filter, token, { ability: 'send' });
	},
	async searchSessions(this: ILoadOptionsFunctions, filter?: string, token?: string): Promise<INodeListSearchResult> {
		return await searched(this, '/v1/sessions', sessionNames, filter, token);
	},
	async searchContacts(this: ILoadOptionsFunctions, filter?: string, token?: string): Promise<INodeListSearchResult> {
		return await asked(this, '/v1/contacts', contactNames, filter, token);
	},
	async searchQueues(this: ILoadOptionsFunctions, filter?: string, token?: string): Promise<INodeListSearchResult> {
		return await asked(this, '/v1/queues', queueNames, filter, token);
	},
	async searchPosts(this: ILoadOptionsFunctions, filter?: string, token?: string): Promise<INodeListSearchResult> {
		return await asked(this, '/v1/posts', postNames, filter, token);
	},
};

async function channelOptions(ctx: ILoadOptionsFunctions, qs: IDataObject): Promise<INodePropertyOptions[]> {
	const channels = await rows(ctx, '/v1/channels', qs, maxOptions);
	return channels.map((row) => ({ ...channelNames(row), value: String(row.id) }));
}

/** What the fields that take several of a list call. */
export const loadOptions = {
	async getChannels(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
		return await channelOptions(this, {}); // posts and accounts have events too
	},
	async getPublishingChannels(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
		return await channelOptions(this, { ability: 'publish' });
	},
	async getQueues(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
		const queues = await rows(this, '/v1/queues', {}, maxOptions);
		return queues.map((row) => ({ ...queueNames(row), value: String(row.id) }));
	},
	/** The webhooks of the account with their state: tells in the editor why a trigger is silent. */
	async getSubscriptions(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
		const webhooks = await rows(this, '/v1/webhooks', {}, maxOptions);
		return webhooks.map((row) => ({
			name: `${row.description || row.url}: ${row.status}${row.failingSince ? `, failing since ${row.failingSince}` : ''}`,
			value: String(row.id),
			description: String(row.statusReason ?? '') || `${String((row.events as string[]).join(', '))} to ${row.url}`,
		}));
	},
};

import type { IDataObject, IHookFunctions } from 'n8n-workflow';
import { NodeApiError, NodeOperationError } from 'n8n-workflow';

import { json, request, rows } from '../api/request';
import { several } from '../api/text';

/** What is kept with a workflow: its subscription, one for the published workflow and one while it is tested. */
export interface Kept {
	id: string;
	secret: string;
	/** The address that it was made for. */
	url: string;
}

export type KeptByMode = { live?: Kept; test?: Kept };

/** A test subscription ends by itself, should n8n end before it can unsubscribe. */
const testLife = 15 * 60 * 1000;
const maxDescription = 150;

function modeOf(ctx: IHookFunctions): 'live' | 'test' {
	return ctx.getMode() === 'manual' ? 'test' : 'live';
}

function kept(ctx: IHookFunctions): KeptByMode {
	return ctx.getWorkflowStaticData('node') as KeptByMode;
}

/** The webhook as the node's parameters want it. */
function wanted(ctx: IHookFunctions): { url: string; events: string[]; channelIds: string[]; description: string } {
	const url = ctx.getNodeWebhookUrl('default');
	const events = several(ctx.getNodeParameter('events', []));
	if (!url) throw new NodeOperationError(ctx.getNode(), 'n8n has no address for this trigger', { description: 'Set WEBHOOK_URL of n8n.' });
	if (events.length === 0) {
		throw new NodeOperationError(ctx.getNode(), 'Choose at least one event', {
			description: '"Events" is empty, so nothing could start this workflow.',
		});
	}
	const name = ctx.getWorkflow().name ?? 'workflow';
	const kind = modeOf(ctx) === 'test' ? 'n8n test' : 'n8n';
	return {
		url,
		events,
		channelIds: several(ctx.getNodeParameter('channelIds', [])),
		description: `${kind}: ${name}`.slice(0, maxDescription),
	};
}

/**
 * Whether the subscription stands. One whose address or settings have changed, or that the server switched off, is put right; one
 * that is gone or has ended for good is made anew by create(). One that somebody paused on purpose stays paused.
 */
export async function stands(ctx: IHookFunctions): Promise<boolean> {
	const mine = kept(ctx)[modeOf(ctx)];
	if (!mine?.id || !mine.secret) return false;
	const path = `/v1/webhooks/${encodeURIComponent(mine.id)}`;
	const answer = await request(ctx, { method: 'GET', path, expect: [404] });
	if (answer.status === 404) return false;
	const found = answer.body as IDataObject;
	if (found.status === 'unsubscribed' || found.status === 'expired') return false;
	const target = wanted(ctx);
	const same = found.url === target.url && sameSet(found.events, target.events) && sameSet(found.channelIds, target.channelIds);
	if (found.status === 'disabled') ctx.logger.warn(`Switchhook had switched off the webhook of this trigger: ${found.statusReason}`);
	if (found.status === 'paused') ctx.logger.warn('The webhook of this trigger is paused in Switchhook: nothing arrives until it is active.');
	if (same && found.status !== 'disabled') return true;
	const status = found.status === 'disabled' ? { status: 'active' } : {};
	await json(ctx, { method: 'PATCH', path, body: { ...target, ...status }, hint: hintFor(target.url) });
	if (found.status === 'disabled' && (ctx.getNodeParameter('options', {}) as IDataObject).catchUp === true) {
		await json(ctx, { method: 'POST', path: `${path}/replay`, body: { status: 'held' } });
	}
	return true;
}

/** Subscribes, and removes what an earlier subscription of the same address left behind. */
export async function subscribe(ctx: IHookFunctions): Promise<void> {
	const target = wanted(ctx);
	const mode = modeOf(ctx);
	if (mode === 'test') await explainSilence(ctx, target.channelIds);
	const leftovers = (await rows(ctx, '/v1/webhooks', {}, Infinity)).filter((one) => one.kind === 'subscription' && one.url === target.url);
	for (const one of leftovers) await remove(ctx, String(one.id));
	const expires = mode === 'test' ? { expiresAt: new Date(Date.now() + testLife).toISOString() } : {};
	const made = await json(ctx, { method: 'POST', path: '/v1/webhooks', body: { ...target, ...expires }, hint: hintFor(target.url) });
	kept(ctx)[mode] = { id: String(made.id), secret: String(made.secret), url: target.url };
}

/** Unsubscribes. A subscription that is gone already is as good. */
export async function unsubscribe(ctx: IHookFunctions): Promise<void> {
	const all = kept(ctx);
	// n8n tells a test only when it begins, not when it ends; the address of a test is its own.
	const mode = all.test?.url === ctx.getNodeWebhookUrl('default') ? 'test' : 'live';
	const mine = all[mode];
	if (mine?.id) await remove(ctx, mine.id);
	delete all[mode];
}

async function remove(ctx: IHookFunctions, id: string): Promise<void> {
	await request(ctx, { method: 'DELETE', path: `/v1/webhooks/${encodeURIComponent(id)}`, expect: [404] });
}

/** While somebody tests, says at once why nothing could come: no channel, or only channels that do not work. */
async function explainSilence(ctx: IHookFunctions, channelIds: string[]): Promise<void> {
	const channels = await rows(ctx, '/v1/channels', {}, Infinity);
	const chosen = channels.filter((one) => channelIds.length === 0 || channelIds.includes(String(one.id)));
	const events = several(ctx.getNodeParameter('events', []));
	if (!events.every((event) => event.startsWith('message.'))) return; // the others tell of broken channels too
	if (chosen.length === 0) {
		throw new NodeApiError(
			ctx.getNode(),
			{},
			{
				message: channels.length === 0 ? 'There is no channel yet' : 'The chosen channels are gone',
				description:
					channels.length === 0
						? 'Nothing can start this workflow. Connect a channel in Switchhook; a sandbox channel needs no account anywhere.'
						: 'Nothing can start this workflow. Choose channels that exist, or none for all.',
			},
		);
	}
	const broken = chosen.filter((one) => one.status === 'needs_link' || one.status === 'disabled');
	if (broken.length === chosen.length) {
		const why = broken.map((one) => `${one.name || one.id}: ${one.statusMessage || one.status}`).join(' ');
		throw new NodeApiError(ctx.getNode(), {}, { message: 'The channel is not connected, so nothing can arrive', description: why });
	}
}

function hintFor(url: string): string {
	return `n8n gave its address as ${url}. Where Switchhook cannot reach that, set WEBHOOK_URL of n8n to its public https address; for addresses in your own network, allow them with ALLOW_PRIVATE_NETWORKS of Switchhook.`;
}

function sameSet(found: unknown, target: string[]): boolean {
	const given = Array.isArray(found) ? found.map(String) : [];
	return [...given].sort().join() === [...target].sort().join();
}

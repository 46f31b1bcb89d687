import { createHash, randomUUID } from 'node:crypto';

import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

/**
 * The Idempotency-Key of one item in one run of a node. Retry On Fail, and retrying a failed execution, give the same key, so an
 * item that went out is not sent again. A new execution, another item and another round of a loop give another key.
 */
export function idempotencyKey(ctx: IExecuteFunctions, itemIndex: number, content: IDataObject | Buffer = {}): string {
	const facts: unknown[] = [ctx.getWorkflow().id ?? '', ctx.getNode().id, seed(ctx), round(ctx, itemIndex), itemIndex];
	// An agent may call its tool several times in what counts as one run: there, another content is another request.
	if (ctx.getNode().type.endsWith('Tool')) {
		facts.push(
			createHash('sha256')
				.update(Buffer.isBuffer(content) ? content : JSON.stringify(content))
				.digest('hex'),
		);
	}
	return `n8n-${createHash('sha256').update(JSON.stringify(facts)).digest('hex')}`;
}

/** Names the execution. It is kept with the data of the execution, which a retried execution inherits although its own id is new. */
function seed(ctx: IExecuteFunctions): string {
	const kept = ctx.getContext('node') as { switchhookSeed?: string };
	kept.switchhookSeed ??= `${ctx.getInstanceId()}/${ctx.getExecutionId() ?? randomUUID()}`;
	return kept.switchhookSeed;
}

function round(ctx: IExecuteFunctions, itemIndex: number): string {
	return String(ctx.evaluateExpression('{{ $runIndex }}', itemIndex) ?? 0);
}
